// Signing requests (EEP-7, "esr:"), which a wallet opens. A link is made of one
// only after it was read here, so that the words beside it are about what is in it.
import { hex } from './seal.ts'

/** What a request asks a wallet to sign. */
export interface SigningRequest {
  chain: string // id, hex
  actions: { account: string; name: string; authorization: string; data: Uint8Array }[]
}

/** An action of the anchor's contract. */
export type Anchoring = { kind: 'head'; number: bigint; size: bigint; root: string } | { kind: 'event'; number: bigint; code: number; hash: string }

const most = { uri: 16 << 10, bytes: 64 << 10 }

/** Reads a request; undefined for what is none, or has more in it than actions for one chain. */
export async function requestOf(uri: string): Promise<SigningRequest | undefined> {
  const payload = /^esr:(?:\/\/)?([A-Za-z0-9_-]+)$/.exec(uri)?.[1]
  if (payload === undefined || uri.length > most.uri) return undefined
  try {
    const [header = 0, ...rest] = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0))
    const version = header & 0x7f
    if (version !== 2 && version !== 3) return undefined
    const body = Uint8Array.from(rest)
    return read(header & 0x80 ? await inflated(body) : body)
  } catch {
    return undefined
  }
}

async function inflated(b: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const reader = new Blob([b]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader()
  const out: number[] = []
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return Uint8Array.from(out)
    if (out.length + value.length > most.bytes) throw new RangeError('it is larger than any request')
    out.push(...value)
  }
}

/** EOSIO's serialization; reading past the end throws. */
class Reader {
  #at = 0
  readonly #view: DataView
  readonly #b: Uint8Array

  constructor(b: Uint8Array) {
    this.#b = b
    this.#view = new DataView(b.buffer, b.byteOffset, b.byteLength)
  }

  get over(): boolean {
    return this.#at === this.#b.length
  }

  byte(): number {
    return this.bytes(1)[0]!
  }

  uint32(): number {
    return this.#view.getUint32((this.#at += 4) - 4, true)
  }

  uint64(): bigint {
    return this.#view.getBigUint64((this.#at += 8) - 8, true)
  }

  bytes(n: number): Uint8Array {
    const part = this.#b.subarray(this.#at, (this.#at += n))
    if (part.length !== n) throw new RangeError('it ends too early')
    return part
  }

  count(): number {
    for (let n = 0, shift = 0; shift < 28; shift += 7) {
      const b = this.byte()
      n |= (b & 0x7f) << shift
      if (b < 0x80) return n
    }
    throw new RangeError('it counts more than there can be')
  }
}

const letters = '.12345abcdefghijklmnopqrstuvwxyz'

/** A name as it is written. */
function nameOf(v: bigint): string {
  let text = letters[Number(v & 0xfn)]!
  for (let rest = v >> 4n, n = 0; n < 12; n++, rest >>= 5n) text = letters[Number(rest & 0x1fn)]! + text
  return text.replace(/\.+$/, '')
}

function read(b: Uint8Array): SigningRequest | undefined {
  const r = new Reader(b)
  if (r.byte() !== 1) return undefined // an alias for a chain, which says less
  const chain = hex(r.bytes(32))
  const variant = r.byte()
  if (variant > 1) return undefined
  const actions = Array.from({ length: variant === 0 ? 1 : r.count() }, () => {
    const [account, name] = [nameOf(r.uint64()), nameOf(r.uint64())]
    const authorization = Array.from({ length: r.count() }, () => `${nameOf(r.uint64())}@${nameOf(r.uint64())}`).join(', ')
    return { account, name, authorization, data: r.bytes(r.count()) }
  })
  r.byte() // flags
  // A callback would send what was signed elsewhere, and further entries can say anything.
  return r.count() === 0 && r.count() === 0 && r.over ? { chain, actions } : undefined
}

/** What an action of the contract puts on the chain; undefined where it is another. */
export function anchoringOf({ name, data }: SigningRequest['actions'][number]): Anchoring | undefined {
  const r = new Reader(data)
  try {
    if (name === 'post') {
      const post = { kind: 'head' as const, number: r.uint64(), size: r.uint64(), root: hex(r.bytes(32)) }
      return r.over ? post : undefined
    }
    if (name === 'event') {
      const event = { kind: 'event' as const, number: r.uint64(), code: r.uint32(), hash: hex(r.bytes(32)) }
      return r.over ? event : undefined
    }
  } catch {
    // Too short for either.
  }
  return undefined
}
