import { HostError } from './host.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { anchorHealthOf, eventAnchorOf, type AnchorHealth, type EventAnchor } from './sdk.ts'

// What the host says of itself and of where an event is, in the form that the
// views show. It is shown, never relied on; whatever it is, it can be shown.

const copyStates = ['stored', 'owed', 'missing', 'damaged', 'foreign', 'absent'] as const

/** Where an event is, or why it is not there. */
export interface Place {
  replica: string
  kind: string
  counts: boolean
  state: (typeof copyStates)[number]
  location?: string | undefined
  error?: string | undefined
}

/** What the host answers to an event that it stores. */
export interface Receipt {
  created: boolean
  durable: number
  required: number
  places: Place[]
  signed?: JsonObject // by the host
  unsigned: string // why it is not signed, a code; '': the host does not say
}

/** What the host knows of an event. */
export interface Status {
  epoch: string // names the order that the sequence number is in
  sequence: number
  admittedAt: number // Unix seconds; NaN: it does not say
  durable: number
  required: number
  lost: boolean // nobody has a good copy of it
  places: Place[]
  archive: Json
  anchor: EventAnchor | null // null: the host anchors nothing
}

export interface Health {
  status: string
  healthy: boolean
  working: number
  required: number
  replicas: { name: string; kind: string; counts: boolean; up: boolean; breaker: string; latency: number; backlog: number; lastError: string; lastErrorAt: number }[]
  journal: { ok: boolean; epoch: string; sequence: number; pending: number }
  module: { version: string; sha256: string; abi: number; instances: number }
  log?: { origin: string; size: number; published: number; cosigned: number; state: string; why: string } // absent: it has none
  anchor?: AnchorHealth // absent: the host knows of none
  lost: { events: number; first: string[] } // hashes
  disagreements: number
  warnings: string[]
  version: string
  uptime: number // seconds
}

const text = (v: unknown) => (typeof v === 'string' ? v.slice(0, 2000) : '')
const count = (v: unknown) => (typeof v === 'number' && Number.isSafeInteger(v) && v >= 0 ? v : 0)
const seconds = (v: unknown) => Date.parse(text(v)) / 1000
const some = (v: unknown) => (Array.isArray(v) ? v.filter(isObject).slice(0, 100) : [])
const object = (v: unknown) => (isObject(v) ? v : {})

function hosts(d: unknown, list: string): JsonObject {
  if (isObject(d) && Array.isArray(d[list])) return d
  throw new HostError({ message: 'What answered is not an Eventseal host.' })
}

function place(p: JsonObject, state: Place['state']): Place {
  const error = text(p.error) || text(p.last_error)
  return { replica: text(p.replica), kind: text(p.kind), counts: p.counts === true, state, ...(p.location ? { location: text(p.location) } : {}), ...(error ? { error } : {}) }
}

export function receiptOf(answer: unknown): Receipt {
  const d = hosts(answer, 'locations')
  return {
    created: d.created === true, durable: count(d.durable), required: count(d.required),
    places: some(d.locations).map(l => place(l, typeof l.location === 'string' ? 'stored' : 'owed')),
    unsigned: text(d.unsigned),
    ...(isObject(d.signed) && { signed: d.signed }),
  }
}

export function statusOf(answer: unknown): Status {
  const d = hosts(answer, 'replicas')
  return {
    epoch: text(d.epoch), sequence: count(d.sequence), admittedAt: seconds(d.admitted_at), durable: count(d.durable), required: count(d.required), lost: d.standing === 'lost',
    places: some(d.replicas).map(r => place(r, copyStates.find(s => s === r.state) ?? 'absent')),
    archive: d.archive ?? null, anchor: eventAnchorOf(d.anchor),
  }
}

export function healthOf(answer: unknown): Health {
  const d = hosts(answer, 'replicas')
  const anchor = anchorHealthOf(d.anchor)
  const [journal, log, module, lost] = [object(d.journal), object(d.log), object(d.module), object(d.lost)]
  return {
    status: text(d.status), healthy: d.healthy === true, working: count(d.working), required: count(d.required),
    replicas: some(d.replicas).map(r => ({
      name: text(r.name), kind: text(r.kind), counts: r.counts === true, up: r.up === true, breaker: text(r.breaker),
      latency: typeof r.latency_ms === 'number' ? r.latency_ms : NaN, backlog: count(r.backlog), lastError: text(r.last_error), lastErrorAt: seconds(r.last_error_at),
    })),
    journal: { ok: journal.ok === true, epoch: text(journal.epoch), sequence: count(journal.sequence), pending: count(journal.pending) },
    ...(text(log.state) !== '' && { log: { origin: text(log.origin), size: count(log.size), published: count(log.published), cosigned: count(log.cosigned), state: text(log.state), why: text(log.why) } }),
    ...(anchor && { anchor }),
    module: { version: text(module.version), sha256: text(module.sha256), abi: count(module.abi), instances: count(module.instances) },
    lost: { events: count(lost.events), first: (Array.isArray(lost.first) ? lost.first : []).map(text).filter(h => /^[0-9a-f]{64}$/.test(h)).slice(0, 10) },
    disagreements: count(d.disagreements), warnings: (Array.isArray(d.warnings) ? d.warnings : []).map(text).filter(w => w !== '').slice(0, 20),
    version: text(d.version), uptime: count(d.uptime_seconds),
  }
}
