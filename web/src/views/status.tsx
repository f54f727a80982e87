import { useEffect } from 'preact/hooks'
import { useLoad, useTick } from '../connection.ts'
import { healthOf, type Health } from '../documents.ts'
import { askJson } from '../host.ts'
import { moduleState } from '../module.ts'
import { eventAddress } from '../router.ts'
import { useStore } from '../store.ts'
import { Badge, Loading, Mono, Notice, Refused, type Tone } from '../ui/parts.tsx'
import { Outside, ago, plural, size } from '../ui/text.tsx'
import { AnchorCard } from './anchor.tsx'
import { Title } from './title.tsx'

export function Status() {
  const h = useLoad(async signal => healthOf(await askJson('/v1/health', { signal, accept: [503] })), [])
  useTick(1000)
  useEffect(() => {
    const t = setInterval(h.reload, 3000)
    return () => clearInterval(t)
  }, [])
  const v = h.value
  return (
    <>
      <Title text="Status">How this host and the places it stores events in are doing, and whether it runs what this page runs.</Title>
      {h.failure && <Refused failure={h.failure} retry={h.reload} />}
      {h.loading && !v && <Loading what="Asking the host" />}
      {v && (
        <>
          <Summary v={v} />
          {v.lost.events > 0 && <Lost lost={v.lost} />}
          {v.warnings.map(w => <Notice key={w} tone="warn" title={<Outside text={w} />} />)}
          <div class="columns even">
            <div class="main-column">
              <section class="card" aria-labelledby="replicas-head">
                <h2 id="replicas-head">Replicas</h2>
                <ul class="places">{v.replicas.map(r => <Replica key={r.name} r={r} />)}</ul>
              </section>
              <section class="card" aria-labelledby="journal-head">
                <h2 id="journal-head">Journal</h2>
                <dl class="facts">
                  <dt>State</dt>
                  <dd>{v.journal.ok ? <Badge tone="good">working</Badge> : <Badge tone="bad">failed</Badge>}</dd>
                  <dt>Events</dt>
                  <dd>up to № {v.journal.sequence.toLocaleString('en')}</dd>
                  <dt>Order</dt>
                  <dd class="mono"><Outside text={v.journal.epoch} /></dd>
                  <dt>Backlog</dt>
                  <dd>{v.journal.pending === 0 ? 'nothing is owed' : `${plural(v.journal.pending, 'event')} not yet everywhere`}</dd>
                  <dt>Cross-check</dt>
                  <dd>{v.disagreements === 0 ? 'no disagreement' : <Badge tone="bad">{plural(v.disagreements, 'disagreement')}</Badge>}</dd>
                </dl>
              </section>
              <ModuleCard host={v.module} />
            </div>
            <div class="side-column">
              {v.log && <LogCard log={v.log} />}
              {v.anchor && <AnchorCard health={v.anchor} />}
            </div>
          </div>
          <p class="fine end">Eventseal <Outside text={v.version} /> · up {duration(v.uptime)}</p>
        </>
      )}
    </>
  )
}

function Summary({ v }: { v: Health }) {
  const tone = v.status === 'ok' ? 'good' : v.healthy ? 'warn' : 'bad'
  const words = v.status === 'ok' ? 'All is well' : v.healthy ? 'Working, with trouble' : v.lost.events > 0 ? 'Events are lost' : 'Not able to store events safely'
  return (
    <section class={`summary ${tone}`} aria-label="Summary">
      <p class="summary-words"><Badge tone={tone}><Outside text={v.status} /></Badge> {words}</p>
      <dl class="figures">
        <div><dt>places that count, working</dt><dd>{v.working}</dd></div>
        <div><dt>needed for an event to be safe</dt><dd>{v.required}</dd></div>
        <div><dt>events not yet everywhere</dt><dd>{v.journal.pending.toLocaleString('en')}</dd></div>
      </dl>
    </section>
  )
}

/** Which events nobody has any more. */
function Lost({ lost }: { lost: Health['lost'] }) {
  return (
    <Notice tone="bad" title={`${plural(lost.events, 'event')} ${lost.events === 1 ? 'is' : 'are'} lost`}>
      <p>This host took {lost.events === 1 ? 'it' : 'them'}, and no place has a good copy any more. Storing a lost event again, or importing an export that has it, brings it back.</p>
      <ul aria-label="Lost events">
        {lost.first.map(h => <li key={h}><Mono text={h} what="hash of a lost event" short href={eventAddress(h)} /></li>)}
      </ul>
      {lost.events > lost.first.length && <p class="fine">These are the first; <code>eventseal scrub --lost</code> lists all.</p>}
    </Notice>
  )
}

function Replica({ r }: { r: Health['replicas'][number] }) {
  return (
    <li>
      <div class="place-head">
        <strong><Outside text={r.name} /></strong>
        <span class="fine"><Outside text={r.kind} />{!r.counts && ' · a cache, does not count'}</span>
        {r.up ? <Badge tone="good">up</Badge> : <Badge tone="bad">down</Badge>}
      </div>
      <p class="fine">
        {[
          Number.isFinite(r.latency) && `${r.latency < 10 ? r.latency.toFixed(1) : Math.round(r.latency)} ms`,
          r.backlog ? `${plural(r.backlog, 'copy', 'copies')} owed` : 'nothing owed',
          r.breaker !== '' && r.breaker !== 'closed' && 'calls are held back until it recovers',
        ].filter(Boolean).join(' · ')}
      </p>
      {r.lastError && <p class="fine">Last error{Number.isFinite(r.lastErrorAt) && ` ${ago(r.lastErrorAt)}`}: <Outside text={r.lastError} /></p>}
    </li>
  )
}

const logStates: Record<string, [Tone, string]> = {
  starting: ['quiet', 'It is starting.'],
  publishing: ['good', 'Each new event is in a published head a moment after it is stored.'],
  waiting: ['warn', 'It waits for places: events are stored, and published later.'],
  stopped: ['bad', 'It publishes nothing more until somebody sees to it.'],
}

function LogCard({ log }: { log: NonNullable<Health['log']> }) {
  const [tone, words] = (Object.hasOwn(logStates, log.state) ? logStates[log.state] : undefined) ?? ['info', '']
  return (
    <section class="card" aria-labelledby="log-head">
      <h2 id="log-head">Log</h2>
      <p><Badge tone={tone}><Outside text={log.state} /></Badge> {words}</p>
      {log.why !== '' && <p class="fine"><Outside text={log.why} /></p>}
      <dl class="facts">
        <dt>Name</dt>
        <dd class="mono"><Outside text={log.origin} /></dd>
        <dt>Events</dt>
        <dd>{log.size.toLocaleString('en')}</dd>
        <dt>Published</dt>
        <dd>{log.published === 0 ? 'nothing yet' : `the first ${log.published.toLocaleString('en')}`}{log.cosigned > 0 && `, cosigned by ${plural(log.cosigned, 'witness', 'witnesses')}`}</dd>
      </dl>
    </section>
  )
}

function ModuleCard({ host }: { host: Health['module'] }) {
  const m = useStore(moduleState)
  const same = m.digest !== undefined && m.digest === host.sha256
  return (
    <section class="card" aria-labelledby="module-head">
      <h2 id="module-head">Module</h2>
      <p>
        {m.state === 'failed' ? <Badge tone="bad">not running</Badge> : m.digest === undefined ? <Badge tone="info">not compared</Badge> : same ? <Badge tone="good">the same</Badge> : <Badge tone="bad">different</Badge>}{' '}
        {m.digest === undefined
          ? 'This browser computes digests on https:// pages only.'
          : same
            ? 'This page runs the very bytes that the host runs.'
            : 'The host runs another module than this page.'}
      </p>
      <dl class="facts">
        <dt>This page</dt>
        <dd>{m.digest ? <Mono text={m.digest} what="digest of the page’s module" short /> : 'unknown'}</dd>
        <dt>Host</dt>
        <dd><Mono text={host.sha256} what="digest of the host’s module" short /></dd>
        <dt>Version</dt>
        <dd><Outside text={host.version} /> <span class="fine">ABI {host.abi}{m.size ? ` · ${size(m.size)}` : ''} · {plural(host.instances, 'instance')} in the host</span></dd>
      </dl>
      <p class="fine">The repository names this digest in wasm/eventseal.wasm.sha256. The page itself came from this host, too: to rely on nobody, check events with the eventseal command or the SDK elsewhere.</p>
    </section>
  )
}

function duration(s: number): string {
  const parts: [number, string][] = [[86_400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']]
  const i = parts.findIndex(([n]) => s >= n)
  if (i < 0) return 'a moment'
  const [n, unit] = parts[i]!
  return plural(Math.floor(s / n), unit)
}
