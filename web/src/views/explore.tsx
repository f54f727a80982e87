import { useEffect, useRef, useState } from 'preact/hooks'
import type { Row } from '../checking.ts'
import { list, watch } from '../checker.ts'
import { noteFailure, useLoad, useTick } from '../connection.ts'
import { forms } from '../forms/types.ts'
import { failureOf } from '../host.ts'
import { eventTypes } from '../module.ts'
import { eventAddress, exploreAddress, goTo, route } from '../router.ts'
import { useStore } from '../store.ts'
import { Badge, Empty, Field, Loading, Refused, announce, type Failure } from '../ui/parts.tsx'
import { plural } from '../ui/text.tsx'
import { Rows } from './rows.tsx'
import { Title } from './title.tsx'

const pageSize = 50
const mostLive = 500

interface Filters {
  type: string
  author: string
  parent: string
  since: string // a day, UTC
  until: string
}

function filtersOf(q: URLSearchParams): Filters {
  const get = (n: string) => q.get(n) ?? ''
  return { type: get('type'), author: get('author'), parent: get('parent'), since: get('since'), until: get('until') }
}

/** The host's parameters. A day stands for all of its seconds. */
function parameters(f: Filters, time = true): URLSearchParams {
  const p = new URLSearchParams()
  for (const name of ['type', 'author', 'parent'] as const) if (f[name]) p.set(name, f[name])
  const day = (d: string, end: boolean) => Math.floor(Date.parse(`${d}T00:00:00Z`) / 1000) + (end ? 86_399 : 0)
  if (time && Number.isFinite(Date.parse(f.since))) p.set('since', String(day(f.since, false)))
  if (time && Number.isFinite(Date.parse(f.until))) p.set('until', String(day(f.until, true)))
  return p
}

export function Explore() {
  const filters = filtersOf(useStore(route).query)
  return (
    <>
      <Title text="Explore">Every event below was checked in this page, byte for byte. What the host says of it is not taken on trust.</Title>
      <Search />
      <Filter key={JSON.stringify(filters)} filters={filters} />
      <Results key={parameters(filters).toString()} filters={filters} />
    </>
  )
}

function Search() {
  const [text, setText] = useState('')
  const hash = text.trim().toLowerCase()
  const ok = /^[0-9a-f]{64}$/.test(hash)
  return (
    <form
      class="search"
      role="search"
      onSubmit={e => {
        e.preventDefault()
        if (ok) goTo(eventAddress(hash))
        else if (/^(PUB_|EOS)/.test(text.trim())) goTo(exploreAddress({ author: text.trim() }))
      }}
    >
      <Field label="Find an event by its hash, or all of an author by the public key" error={text.trim() !== '' && !ok && !/^(PUB_|EOS)/.test(text.trim()) ? 'A hash has 64 digits, 0–9 and a–f; a key begins with PUB_ or EOS.' : undefined}>
        {({ id, describedBy, invalid }) => (
          <div class="row">
            <input id={id} type="search" class="mono" placeholder="hash or public key" spellcheck={false} autocomplete="off" aria-describedby={describedBy} aria-invalid={invalid} value={text} onInput={e => setText(e.currentTarget.value)} />
            <button type="submit" class="button">Find</button>
          </div>
        )}
      </Field>
    </form>
  )
}

function Filter({ filters }: { filters: Filters }) {
  const [f, setF] = useState(filters)
  const extra = useStore(eventTypes).filter(t => !Object.hasOwn(forms, t.name))
  const active = Object.values(filters).filter(v => v !== '').length
  const set = (name: keyof Filters) => (e: { currentTarget: { value: string } }) => setF({ ...f, [name]: e.currentTarget.value.trim() })
  const parentFault = f.parent !== '' && !/^[0-9a-f]{64}$/.test(f.parent) ? 'A hash has 64 digits, 0–9 and a–f.' : undefined
  return (
    <details class="filters" open={active > 0}>
      <summary>Filter{active > 0 && <span class="fine"> · {plural(active, 'filter')} on</span>}</summary>
      <form
        class="filter-grid"
        onSubmit={e => {
          e.preventDefault()
          if (!parentFault) goTo(exploreAddress({ ...f }))
        }}
      >
        <Field label="Type">
          {({ id }) => (
            <select id={id} value={f.type} onInput={set('type')}>
              <option value="">any</option>
              {Object.entries(forms).map(([type, form]) => <option key={type} value={type}>{form.title}</option>)}
              {extra.map(t => <option key={t.name} value={t.name}>{t.name}</option>)}
            </select>
          )}
        </Field>
        <Field label="From (UTC)">{({ id }) => <input id={id} type="date" value={f.since} onInput={set('since')} />}</Field>
        <Field label="Until (UTC)">{({ id }) => <input id={id} type="date" value={f.until} onInput={set('until')} />}</Field>
        <Field label="Author">{({ id }) => <input id={id} class="mono" spellcheck={false} autocomplete="off" placeholder="PUB_K1_…" value={f.author} onInput={set('author')} />}</Field>
        <Field label="Parent" error={parentFault}>{({ id, describedBy, invalid }) => <input id={id} class="mono" spellcheck={false} autocomplete="off" placeholder="hash" aria-describedby={describedBy} aria-invalid={invalid} value={f.parent} onInput={set('parent')} />}</Field>
        <div class="row filter-actions">
          <button type="submit" class="button">Apply</button>
          {active > 0 && <a class="button" href="#/explore">Clear</a>}
        </div>
      </form>
    </details>
  )
}

function Results({ filters }: { filters: Filters }) {
  const query = parameters(filters)
  const first = useLoad(signal => list(`/v1/events?${withLimit(query)}`, signal), [query.toString()])
  const [older, setOlder] = useState<{ rows: Row[]; next?: string; failure?: Failure; loading: boolean }>()
  const [fresh, setFresh] = useState<Row[]>([])
  const [live, setLive] = useState(false)
  useTick(30_000)

  const known = new Set([...fresh, ...(first.value?.rows ?? [])].map(r => r.hash))
  const rows = [...fresh, ...(first.value?.rows.filter(r => !fresh.some(f => f.hash === r.hash)) ?? []), ...(older?.rows.filter(r => !known.has(r.hash)) ?? [])]
  const next = older ? older.next : first.value?.next
  const bad = rows.filter(r => !r.verdict.valid).length

  /** Everything anew, in the order that the host has now. */
  const again = () => {
    setFresh([])
    setOlder(undefined)
    first.reload()
  }
  const more = async () => {
    if (next === undefined) return
    const before = older?.rows ?? []
    setOlder({ rows: before, next, loading: true })
    try {
      const q = withLimit(query)
      q.set('cursor', next)
      const page = await list(`/v1/events?${q}`)
      setOlder({ rows: [...before, ...page.rows], loading: false, ...(page.next === undefined ? {} : { next: page.next }) })
    } catch (e) {
      if (failureOf(e).code === 'epoch_changed') return again()
      noteFailure(e)
      setOlder({ rows: before, next, loading: false, failure: failureOf(e) })
    }
  }

  return (
    <section aria-labelledby="results-head">
      <div class="row between results-head">
        <h2 id="results-head">{live ? 'Newest events, live' : 'Newest events'}</h2>
        <div class="row">
          {bad > 0 && <Badge tone="bad">{plural(bad, 'invalid event')}</Badge>}
          <Live filters={filters} on={live} turn={setLive} epoch={first.value?.epoch} after={first.value?.rows[0]?.position} ready={first.value !== undefined} moved={again} add={rows => setFresh(old => [...rows.slice().reverse(), ...old].slice(0, mostLive))} />
          <button type="button" class="button small" disabled={first.loading} onClick={again}>Reload</button>
        </div>
      </div>
      {first.failure && <Refused failure={first.failure} retry={first.reload} />}
      {first.loading && !first.value && <Loading what="Fetching and checking events" />}
      {first.value && rows.length === 0 && (
        <Empty title={query.size > 0 ? 'No event fits these filters.' : 'There are no events yet.'}>
          {query.size > 0 ? <p><a href="#/explore">Show all events</a></p> : <p><a class="button primary" href="#/sign">Sign the first one</a></p>}
        </Empty>
      )}
      {rows.length > 0 && <Rows rows={rows} label="Events" />}
      {older?.failure && <Refused failure={older.failure} retry={() => void more()} />}
      {rows.length > 0 && (next !== undefined ? (
        <button type="button" class="button wide" disabled={older?.loading ?? false} onClick={() => void more()}>{older?.loading ? 'Fetching…' : 'Show older ones'}</button>
      ) : (
        first.value && <p class="fine end">That is all: {plural(rows.length, 'event')}.</p>
      ))}
    </section>
  )
}

function withLimit(q: URLSearchParams): URLSearchParams {
  const p = new URLSearchParams(q)
  p.set('limit', String(pageSize))
  return p
}

function Live({ filters, on, turn, epoch, after, ready, moved, add }: { filters: Filters; on: boolean; turn: (on: boolean) => void; epoch: string | undefined; after: string | undefined; ready: boolean; moved: () => void; add: (rows: Row[]) => void }) {
  const [connected, setConnected] = useState(false)
  const latest = useRef({ add, after, moved })
  latest.current = { add, after, moved }
  useEffect(() => {
    if (!on) return
    const stop = new AbortController()
    const q = parameters(filters, false) // the stream knows no times
    const since = Number(parameters(filters).get('since') ?? 0)
    const until = Number(parameters(filters).get('until') ?? Infinity)
    // Behind the newest that is shown. Where nothing is, from the beginning, unless times are asked for: the stream would send all of other times.
    if (latest.current.after !== undefined) q.set('after', latest.current.after)
    else if (filters.since === '' && filters.until === '') q.set('after', '0')
    watch(`/v1/stream?${q}`, stop.signal, l => {
      if ('connected' in l) setConnected(l.connected)
      if ('moved' in l) latest.current.moved() // what is shown is loaded anew, and followed in its order
      if ('rows' in l) {
        const rows = l.rows.filter(r => r.createdAt >= since && r.createdAt <= until)
        if (rows.length === 0) return
        latest.current.add(rows)
        announce(plural(rows.length, 'new event'))
      }
    }).catch((e: unknown) => {
      if (!stop.signal.aborted) {
        noteFailure(e)
        turn(false)
      }
    })
    return () => {
      stop.abort()
      setConnected(false)
    }
  }, [on, epoch])
  return (
    <button type="button" class="button small live" aria-pressed={on} disabled={!ready} onClick={() => turn(!on)}>
      <span class={`dot ${on ? (connected ? 'on' : 'waiting') : ''}`} aria-hidden="true" />
      {on ? (connected ? 'Live' : 'Connecting…') : 'Go live'}
    </button>
  )
}
