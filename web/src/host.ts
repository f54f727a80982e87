import type { Failure } from './ui/parts.tsx'

/** A call of the host that did not give what was asked for. */
export class HostError extends Error {
  override name = 'HostError'
  readonly failure: Failure
  /** The host could not be reached at all, or what answered was no host. */
  readonly unreachable: boolean

  constructor(failure: Failure, unreachable = false) {
    super(failure.message)
    this.failure = failure
    this.unreachable = unreachable
  }
}

export function failureOf(e: unknown): Failure {
  if (e instanceof HostError) return e.failure
  return { message: e instanceof Error ? e.message : String(e) }
}

/** More than this is not read of an answer: a host can lie about its limits too. */
export const mostBytes = 64 << 20

/** The body of an answer, refused when it is longer than most bytes. */
export async function bounded(r: Response, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let n = 0
  const reader = r.body?.getReader()
  if (reader) {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      n += value.length
      if (n > most) {
        void reader.cancel()
        throw new HostError({ message: 'The host’s answer has no end in sight; the page stopped reading it.' })
      }
      parts.push(value)
    }
  }
  const whole = new Uint8Array(n)
  let at = 0
  for (const p of parts) {
    whole.set(p, at)
    at += p.length
  }
  return whole
}

/**
 * Asks the host and returns the answer's bytes. Statuses in accept are
 * answers too. Throws a HostError for everything else.
 */
export async function ask(path: string, o: { signal?: AbortSignal | undefined; most?: number; accept?: number[]; cache?: RequestCache } = {}): Promise<Uint8Array<ArrayBuffer>> {
  let r: Response
  let body: Uint8Array<ArrayBuffer>
  const timeout = AbortSignal.timeout(30_000)
  try {
    r = await fetch(path, { signal: o.signal ? AbortSignal.any([o.signal, timeout]) : timeout, redirect: 'error', credentials: 'omit', cache: o.cache ?? 'default' })
    body = await bounded(r, o.most ?? mostBytes)
  } catch (e) {
    if (e instanceof HostError || o.signal?.aborted) throw e
    throw new HostError({ message: 'The host cannot be reached.' }, true)
  }
  if (r.ok || o.accept?.includes(r.status)) return body
  throw problem(r.status, r.headers.get('Content-Type') ?? '', body)
}

export async function askJson<T>(path: string, o: { signal?: AbortSignal | undefined; accept?: number[] } = {}): Promise<T> {
  const body = await ask(path, o)
  try {
    return JSON.parse(new TextDecoder().decode(body)) as T
  } catch {
    throw new HostError({ message: 'What answered is not an Eventseal host.' })
  }
}

const textOf = (v: unknown) => (typeof v === 'string' ? v : undefined)

/** Reads a problem document (RFC 9457). */
export function problem(status: number, type: string, body: Uint8Array): HostError {
  try {
    if (type.startsWith('application/problem+json')) {
      const p = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>
      const code = textOf(p.code)
      if (code !== undefined) {
        return new HostError({
          code, message: textOf(p.title) ?? code, pointer: textOf(p.pointer), detail: textOf(p.detail), requestId: textOf(p.request_id),
          replicas: Array.isArray(p.replicas) ? p.replicas.slice(0, 20).map(r => ({ replica: String(r?.replica), error: String(r?.error) })) : undefined,
        })
      }
    }
  } catch {
    // No problem document after all.
  }
  const gateway = status === 502 || status === 503 || status === 504
  return new HostError({ message: gateway ? 'The host cannot be reached.' : `The host answered with status ${status}.` }, gateway)
}
