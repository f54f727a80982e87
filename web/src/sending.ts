import { HostError, bounded, problem } from './host.ts'

// What the host says of where an event is. It is shown, never relied on.

export interface Receipt {
  hash: string
  sequence: number
  created: boolean
  durable: number
  required: number
  locations: { replica: string; kind: string; counts: boolean; location?: string; error?: string }[]
}

export interface Status {
  hash: string
  sequence: number
  admitted_at: string
  durable: number
  required: number
  replicas: { replica: string; kind: string; counts: boolean; state: 'stored' | 'owed' | 'absent'; location?: string; attempts?: number; last_error?: string; updated_at?: string }[]
  archive: unknown
  anchor: unknown
}

export interface Place {
  replica: string
  kind: string
  counts: boolean
  state: 'stored' | 'owed' | 'absent'
  location?: string | undefined
  error?: string | undefined
}

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
  const receipt = JSON.parse(new TextDecoder().decode(body)) as Receipt
  return { ...receipt, locations: receipt.locations ?? [] }
}
