// Checks events away from the page, so that thousands of them, or one hostile
// one, never keep it from answering the keyboard.
import type { Check, FromWorker, Inspection, Listing, Live, Proof, Row, Task, ToWorker, Verdict } from './checking.ts'
import { gist } from './forms/gist.ts'
import { HostError, ask, askJson, failureOf } from './host.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import * as seal from './seal.ts'

const running = new Map<number, AbortController>()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const say = (m: FromWorker) => postMessage(m)

addEventListener('message', async (e: MessageEvent<ToWorker>) => {
  const m = e.data
  if ('cancel' in m) {
    running.get(m.id)?.abort()
    return
  }
  const stop = new AbortController()
  running.set(m.id, stop)
  try {
    say({ id: m.id, result: await run(m.task, stop.signal, live => say({ id: m.id, live })) })
  } catch (e) {
    say({ id: m.id, failure: failureOf(e), unreachable: e instanceof HostError && e.unreachable })
  } finally {
    running.delete(m.id)
  }
})

async function run(task: Task, signal: AbortSignal, live: (l: Live) => void): Promise<unknown> {
  switch (task.kind) {
    case 'start':
      return seal.start(task.module, task.types)
    case 'list':
      return list(task.path, signal, task.named)
    case 'inspect':
      return inspect(task.hash, signal)
    case 'watch':
      return watch(task.path, signal, live)
    case 'proof':
      return proof(task.hash, signal)
    case 'verify':
      return verify(task.file, task.keys)
  }
}

const text = (v: unknown) => (typeof v === 'string' ? v : '')
const number = (v: unknown) => (typeof v === 'number' ? v : undefined)

type Asked = (hash: string, event: JsonObject) => boolean

/** Holds an event against the filters of a path. */
function filters(path: string): Asked {
  const q = new URL(path, location.origin).searchParams
  const types = q.getAll('type')
  const parents = q.getAll('parent')
  const authors = q.getAll('author').map(seal.checkPublicKey)
  const since = Number(q.get('since') ?? 0)
  const until = Number(q.get('until') ?? Infinity)
  return (_, event) =>
    (types.length === 0 || types.includes(text(event.type))) &&
    (authors.length === 0 || authors.includes(seal.checkPublicKey(text(event.author_pubkey)))) &&
    (parents.length === 0 || (Array.isArray(event.parents) && event.parents.some(p => parents.includes(text(p))))) &&
    Number(event.created_at) >= since && Number(event.created_at) <= until
}

/** Holds an ancestor against those that named it; the nearest come first. */
function named(by: string[]): Asked {
  const names = new Set(by)
  return (hash, event) => {
    if (!names.has(hash)) return false
    if (Array.isArray(event.parents)) for (const p of event.parents) names.add(text(p))
    return true
  }
}

/** Judges the events that a host gave, each under the hash that it gave for it. */
function rows(items: unknown[], asked: Asked): Row[] {
  const objects = items.map(i => (isObject(i) ? i : {}))
  // What is checked is what is shown: the value that was read from the answer.
  const verdicts = seal.verifyAll(objects.map(o => JSON.stringify(o.event ?? null)))
  return objects.map((o, i) => row(o, verdicts[i]!, asked))
}

function row(o: JsonObject, judged: seal.Judged, asked: Asked): Row {
  const event = isObject(o.event) ? o.event : {}
  const hash = text(o.hash).slice(0, 64)
  let verdict: Verdict = judged
  if (judged.valid && judged.hash !== hash) verdict = { valid: false, code: 'hash_mismatch' }
  if (o.missing === true) verdict = { valid: false, code: 'not_found' }
  const r: Row = {
    hash,
    verdict,
    type: text(event.type).slice(0, 100),
    author: text(event.author_pubkey).slice(0, 100),
    createdAt: number(event.created_at) ?? 0,
    parents: Array.isArray(event.parents) ? event.parents.length : 0,
    gist: gist(text(event.type), event.body ?? null),
  }
  if (typeof o.sequence === 'number') r.sequence = o.sequence
  if (typeof o.admitted_at === 'string') r.admittedAt = o.admitted_at
  if (typeof o.depth === 'number') r.depth = o.depth
  if (o.missing === true) r.missing = true
  if ((r.missing || verdict.valid) && !asked(hash, event)) r.unasked = true
  return r
}

async function list(path: string, signal: AbortSignal, by?: string[]): Promise<Listing> {
  const answer = await askJson<Json>(path, { signal })
  if (!isObject(answer) || !Array.isArray(answer.events)) throw new HostError({ message: 'What answered is not an Eventseal host.' })
  const epoch = text(answer.epoch).slice(0, 64)
  const listing: Listing = { rows: rows(answer.events.slice(0, 1000), by ? named(by) : filters(path)), epoch }
  for (const r of listing.rows) if (r.sequence !== undefined) r.position = `${epoch}-${r.sequence}`
  if (typeof answer.next_cursor === 'string' && answer.next_cursor !== '') listing.next = answer.next_cursor
  if (answer.truncated === true) listing.truncated = true
  return listing
}

const formCodes = new Set([
  'too_large', 'invalid_utf8', 'invalid_json', 'duplicate_key', 'lone_surrogate', 'number_out_of_range', 'number_not_interoperable',
  'depth_exceeded', 'missing_field', 'unknown_field', 'invalid_field', 'unknown_type', 'invalid_public_key',
])

async function inspect(hash: string, signal: AbortSignal): Promise<Inspection> {
  const first = await look(hash, signal, 'default')
  // What is wrong may be a copy that the browser keeps, and would keep for ever.
  return first.verdict.valid ? first : look(hash, signal, 'reload')
}

async function look(hash: string, signal: AbortSignal, cache: RequestCache): Promise<Inspection> {
  const bytes = await ask(`/v1/events/${hash}`, { signal, most: 8 << 20, cache })
  const began = performance.now()
  const { verdict, checks, more } = await examine(bytes, hash)
  const took = performance.now() - began
  let record = ''
  let event: Json | undefined
  try {
    record = decoder.decode(bytes)
    event = JSON.parse(record) as Json
  } catch {
    record ||= new TextDecoder().decode(bytes)
  }
  return { hash, verdict, checks, took, bytes: bytes.length, record, ...more, ...(event === undefined ? {} : { event }) }
}

/** Makes every check by itself, so that each can be shown with its outcome. */
async function examine(bytes: Uint8Array<ArrayBuffer>, hash: string) {
  const checks: Check[] = []
  const skip = (...names: Check['name'][]) => checks.push(...names.map(name => ({ name, state: 'skipped' as const })))
  const test = (name: Check['name'], ok: boolean, code: string, pointer?: string) => {
    checks.push(ok ? { name, state: 'passed' } : { name, state: 'failed', code, ...(pointer ? { pointer } : {}) })
  }
  const end = (more: { preimage?: string; computed?: string } = {}) => {
    const bad = checks.find(c => c.state === 'failed')
    const verdict: Verdict = bad ? { valid: false, code: bad.code!, ...(bad.pointer ? { pointer: bad.pointer } : {}) } : { valid: true }
    return { verdict, checks, more }
  }

  const verified = seal.verify(bytes)
  const wrongForm = !verified.valid && formCodes.has(verified.code)
  test('form', !wrongForm, wrongForm ? verified.code : '', wrongForm ? verified.pointer : undefined)
  if (wrongForm) {
    skip('canonical', 'hash', 'sha256', 'signature')
    return end()
  }
  const received = decoder.decode(bytes)
  const named = seal.name(received)
  test('canonical', seal.canonical(received) === received, 'hash_mismatch')
  test('hash', named.hash === hash, 'hash_mismatch')
  // SHA-256 once more, by the browser's own code.
  if (globalThis.crypto?.subtle) {
    const own = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(named.preimage)))
    test('sha256', seal.hex(own) === hash, 'hash_mismatch')
  } else skip('sha256')
  test('signature', verified.valid, verified.valid ? '' : verified.code, verified.valid ? undefined : verified.pointer)
  return end({ preimage: named.preimage, computed: named.hash })
}

function verify(file: Uint8Array, keys: string): ReturnType<typeof seal.verifyProof> {
  try {
    return seal.verifyProof(file, keys)
  } catch (e) {
    const refused = seal.refusalOf(e)
    throw refused ? new HostError({ message: `This is no text of keys: ${refused.detail}.` }) : e
  }
}

/** An event's proof, for which a host may first have to publish a head of its log that covers the event. */
async function proof(hash: string, signal: AbortSignal): Promise<Proof> {
  for (let tries = 1; ; tries++) {
    try {
      const file = await ask(`/v1/events/${hash}/proof`, { signal, most: 8 << 20 })
      const report = seal.verifyProof(file)
      // It is another event's: of this one it proves nothing.
      return { file, report: report.valid && report.hash !== hash ? { ...report, valid: false, code: 'hash_mismatch' } : report }
    } catch (e) {
      if (failureOf(e).code !== 'proof_pending' || tries === 10) throw e
      await new Promise(r => setTimeout(r, 1000))
      signal.throwIfAborted()
    }
  }
}

/**
 * Follows the host's stream until signal ends; rows come in bundles. That the
 * place to go on after is of an order that the host does not have any more is
 * told each time that it is tried.
 */
function watch(path: string, signal: AbortSignal, live: (l: Live) => void): Promise<void> {
  return new Promise(resolve => {
    let source: EventSource | undefined
    let again: ReturnType<typeof setTimeout> | undefined
    let last = new URL(path, location.origin).searchParams.get('after') ?? ''
    let waiting: Row[] = []
    const asked = filters(path)
    const flush = setInterval(() => {
      if (waiting.length === 0) return
      live({ rows: waiting })
      waiting = []
    }, 200)
    const open = () => {
      const url = new URL(path, location.origin)
      if (last !== '') url.searchParams.set('after', last)
      source = new EventSource(url)
      source.onopen = () => live({ connected: true })
      source.onerror = () => {
        live({ connected: false })
        if (source?.readyState === EventSource.CLOSED) void refused().then(later) // the browser does not try again
      }
      source.addEventListener('event', e => {
        last = (e as MessageEvent<string>).lastEventId
        try {
          waiting.push(...rows([JSON.parse((e as MessageEvent<string>).data)], asked))
        } catch {
          live({ dropped: 'invalid_json' })
        }
        if (waiting.length > 500) waiting = waiting.slice(-500)
      })
      for (const end of ['dropped', 'closing']) {
        source.addEventListener(end, e => {
          // Where the stream began, if nothing has come since.
          last = (e as MessageEvent<string>).lastEventId || last
          live({ connected: false })
          later()
        })
      }
    }
    // A browser does not tell why; a query after the same place does.
    const refused = async () => {
      if (last === '') return
      try {
        await askJson(`/v1/events?${new URLSearchParams({ limit: '1', include: 'hashes', order: 'asc', after: last })}`, { signal })
      } catch (e) {
        if (failureOf(e).code === 'epoch_changed') live({ moved: true })
      }
    }
    const later = () => {
      if (signal.aborted) return
      source?.close()
      clearTimeout(again)
      again = setTimeout(open, 1000 + Math.random() * 1000)
    }
    signal.addEventListener('abort', () => {
      source?.close()
      clearTimeout(again)
      clearInterval(flush)
      resolve()
    })
    open()
  })
}
