// Signing requests, made by hand after EEP-7.
import { deflateRawSync } from 'node:zlib'

export const hex = n => n.toString(16).padStart(64, '0')
export const chain = hex(0xc4a1)

const letters = '.12345abcdefghijklmnopqrstuvwxyz'
function name(text) {
  let v = 0n
  for (let i = 0; i < 13; i++) {
    const c = BigInt(letters.indexOf(text[i] ?? '.'))
    v = i < 12 ? (v << 5n) | c : (v << 4n) | c
  }
  const b = Buffer.alloc(8)
  b.writeBigUInt64LE(v)
  return b
}

const uint = (n, size) => {
  const b = Buffer.alloc(size)
  size === 8 ? b.writeBigUInt64LE(BigInt(n)) : b.writeUInt32LE(n)
  return b
}

/** The data of the contract's two actions. */
export const postData = (number, size, root) => Buffer.concat([uint(number, 8), uint(size, 8), Buffer.from(root, 'hex')])
export const eventData = (number, code, hash) => Buffer.concat([uint(number, 8), uint(code, 4), Buffer.from(hash, 'hex')])

/** A request to sign actions, by default one that a wallet would take. */
export function esr({ version = 2, on = chain, account = 'evntseal.abc', actions, callback = '', info = 0, zip = true, slashes = '//', alias, more = '' }) {
  const body = Buffer.concat([
    alias === undefined ? Buffer.concat([Buffer.from([1]), Buffer.from(on, 'hex')]) : Buffer.from([0, alias]), Buffer.from([1, actions.length]),
    ...actions.map(([action, data]) => Buffer.concat([name(account), name(action), Buffer.from([1]), name(account), name('anchor'), Buffer.from([data.length]), data])),
    Buffer.from([1, callback.length]), Buffer.from(callback), Buffer.from([info]), Buffer.from(more),
  ])
  return `esr:${slashes}${Buffer.concat([Buffer.from([version | (zip ? 0x80 : 0)]), zip ? deflateRawSync(body) : body]).toString('base64url')}`
}
