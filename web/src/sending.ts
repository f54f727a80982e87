import { receiptOf, type Receipt } from './documents.ts'
import { HostError, ask, bounded, problem } from './host.ts'

/** Stores a signed event. Sending the same one again is safe. */
export async function send(record: string): Promise<Receipt> {
  let r: Response
  let body: Uint8Array
  try {
    r = await fetch('/v1/events', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: record, credentials: 'omit', redirect: 'error', signal: AbortSignal.timeout(45_000) })
    body = await bounded(r, 1 << 20)
  } catch {
    throw new HostError({ message: 'The host cannot be reached.' }, true)
  }
  if (!r.ok) throw problem(r.status, r.headers.get('Content-Type') ?? '', body)
  let answer: unknown
  try {
    answer = JSON.parse(new TextDecoder().decode(body))
  } catch {
    // Then it is no receipt either.
  }
  return receiptOf(answer)
}

/** The keys that the host says are its own; '' where it says none, or cannot be asked. */
export async function hostKeys(): Promise<string> {
  try {
    return new TextDecoder().decode(await ask('/log/keys', { most: 4096 }))
  } catch {
    return ''
  }
}
