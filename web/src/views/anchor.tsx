import { useEffect } from 'preact/hooks'
import { useLoad } from '../connection.ts'
import { HostError, askJson } from '../host.ts'
import { eventAddress } from '../router.ts'
import { anchorOf, type Anchor, type AnchorHealth, type AnchorPost, type EventAnchor } from '../sdk.ts'
import { Badge, Loading, Mono, Notice, Refused, type Tone } from '../ui/parts.tsx'
import { Outside, ago, plural, time } from '../ui/text.tsx'
import { Request } from './request.tsx'

const states: Record<string, [Tone, string]> = {
  starting: ['quiet', 'The chain was not seen yet.'],
  anchoring: ['good', 'What is new in the log is put on the chain, and becomes final there.'],
  waiting: ['warn', 'It goes on by itself, once what it waits for is there. Events are stored all the same.'],
  stopped: ['bad', 'It puts nothing more on the chain until somebody sees to it. Events are stored all the same.'],
}

/** What the host puts on a chain, as it says. */
export function AnchorCard({ health: h }: { health: AnchorHealth }) {
  const off = h.state === 'off'
  const [tone, words] = (Object.hasOwn(states, h.state) ? states[h.state] : undefined) ?? ['info', '']
  return (
    <section class="card" aria-labelledby="anchor-head">
      <h2 id="anchor-head">Anchor</h2>
      {off ? (
        <p><Badge tone="info">off</Badge> This host puts nothing on a chain.</p>
      ) : (
        <>
          <p><Badge tone={tone}><Outside text={h.state} /></Badge> {words}</p>
          {h.why !== '' && <p class="fine"><Outside text={h.why} /></p>}
          <Detail health={h} />
        </>
      )}
    </section>
  )
}

async function askAnchor(signal: AbortSignal): Promise<Anchor> {
  const a = anchorOf(await askJson('/v1/anchor', { signal }))
  if (!a) throw new HostError({ message: 'What answered does not tell of an anchor.' })
  return a
}

function Detail({ health: h }: { health: AnchorHealth }) {
  const a = useLoad(askAnchor, [])
  useEffect(() => {
    const t = setInterval(a.reload, 3000)
    return () => clearInterval(t)
  }, [])
  const v = a.value
  const posts = v ? [v.heads.queued, v.events?.queued, ...v.posts].filter(p => p != null).slice(0, mostPosts) : []
  const backlog = [h.backlog > 0 && `${plural(h.backlog, 'event')} under no final head`, h.eventsBacklog > 0 && `${plural(h.eventsBacklog, 'event')} not final by ${h.eventsBacklog === 1 ? 'itself' : 'themselves'}`].filter(Boolean)
  return (
    <>
      <dl class="facts">
        {v && <><dt>Chain</dt><dd><Mono text={v.chainId} what="id of the chain" short /></dd></>}
        {v && <><dt>Contract</dt><dd class="mono"><Outside text={v.contract} /></dd></>}
        {v && <><dt>Signed by</dt><dd>{v.signer === 'wallet' ? 'a wallet' : 'the host'}, as <span class="mono"><Outside text={`${v.contract}@${v.permission}`} /></span></dd></>}
        <dt>Backlog</dt>
        <dd>{backlog.length === 0 ? 'nothing waits' : backlog.join(', ')}</dd>
        <dt>Last final</dt>
        <dd>{h.lastFinalAt ? <span title={time(seconds(h.lastFinalAt))}>{ago(seconds(h.lastFinalAt))}</span> : 'nothing yet'}</dd>
      </dl>
      {h.stuck.length > 0 && <Stuck stuck={h.stuck} />}
      {a.failure && <Refused failure={a.failure} retry={a.reload} tone="warn" />}
      {a.loading && !v && <Loading what="Asking the host" />}
      {v?.requests.map(r => <Request key={r.uri} request={r} chain={v.chainId} contract={v.contract} />)}
      {posts.length > 0 && (
        <>
          <h3>Most recent</h3>
          <ol class="posts" aria-label="Recent posts">{posts.map(p => <Post key={`${p.kind} ${p.state === 'queued' ? '' : p.number}`} p={p} />)}</ol>
        </>
      )}
    </>
  )
}

const mostPosts = 6
const mostStuck = 10

function Stuck({ stuck }: { stuck: AnchorHealth['stuck'] }) {
  return (
    <Notice tone="warn" title={`${plural(stuck.length, 'event')} ${stuck.length === 1 ? 'is' : 'are'} stuck`}>
      <p>What else there is goes to the chain without {stuck.length === 1 ? 'it' : 'them'}.</p>
      <ul aria-label="Stuck events">
        {stuck.slice(0, mostStuck).map(s => (
          <li key={s.sequence}>
            № {s.sequence.toLocaleString('en')} {s.hash !== '' && <Mono text={s.hash} what="hash of a stuck event" short href={eventAddress(s.hash)} />}
            {s.why !== '' && <span class="fine"> <Outside text={s.why} /></span>}
          </li>
        ))}
      </ul>
      {stuck.length > mostStuck && <p class="fine">These are the first.</p>}
    </Notice>
  )
}

const seconds = (t: string) => Date.parse(t) / 1000

const way = ['queued', 'submitted', 'included', 'final'] as const

/** What a post is, in words. */
function titleOf(p: AnchorPost): string {
  if (p.kind === 'head') return `Head of ${plural(p.size ?? 0, 'event')}`
  const numbers = p.events.map(e => e.sequence)
  const from = Math.min(...numbers).toLocaleString('en')
  return numbers.length === 1 ? `Event № ${from}` : numbers.length === 0 ? plural(p.count, 'event') : `${plural(numbers.length, 'event')}, № ${from} to ${Math.max(...numbers).toLocaleString('en')}`
}

const numbersOf = ({ number, count }: AnchorPost) => (count > 1 ? `events ${number.toLocaleString('en')} to ${(number + count - 1).toLocaleString('en')}` : `event ${number.toLocaleString('en')}`)

function Post({ p }: { p: AnchorPost }) {
  return (
    <li>
      <div class="place-head">
        <strong>{titleOf(p)}</strong>
        {p.number > 0 && <span class="fine">{p.kind === 'head' ? `head ${p.number.toLocaleString('en')}` : numbersOf(p)} of the contract</span>}
      </div>
      <Way p={p} />
      {p.reason && <p class="fine"><Outside text={p.reason} /></p>}
      <p class="fine">
        {p.blockNum !== undefined && <>block {p.blockNum.toLocaleString('en')}{p.blockTime && ` · ${ago(seconds(p.blockTime))}`} · </>}
        {p.transactionId ? <>transaction <Mono text={p.transactionId} what="id of the transaction" short /></> : 'no transaction yet'}
      </p>
    </li>
  )
}

/** How far it is on its way. */
function Way({ p }: { p: AnchorPost }) {
  const at = way.findIndex(s => s === p.state)
  const times: Record<string, string | undefined> = { queued: p.queuedAt, submitted: p.submittedAt, included: p.blockTime, final: p.finalAt }
  return (
    <ol class="way" aria-label="How far it is">
      {p.state === 'failed' && <li class="failed" aria-current="step"><Badge tone="bad">failed</Badge></li>}
      {p.state !== 'failed' && way.map((s, i) => (
        <li key={s} class={i <= at ? 'past' : ''} aria-current={i === at ? 'step' : undefined} title={i <= at && times[s] ? time(seconds(times[s])) : undefined}>
          {i === at ? <Badge tone={s === 'final' ? 'good' : 'quiet'}>{s}</Badge> : s}
        </li>
      ))}
    </ol>
  )
}

/** Whether an event’s anchor will say something else by itself. */
export const onItsWay = (a: EventAnchor) => a.state !== 'final' || a.head?.state !== 'final'

/** What the host has put on its chain of one event. */
export function EventAnchorCard({ anchor: a }: { anchor: EventAnchor }) {
  const one = a.single?.events[0]
  return (
    <section class="card" aria-labelledby="chain-head">
      <h2 id="chain-head">On the chain</h2>
      {a.head ? (
        <>
          <p>A head of the log covers it, and the {plural(Math.max((a.head.size ?? 1) - 1, 0), 'other event')} of its tree.</p>
          <Facts p={a.head} />
        </>
      ) : (
        <p>No head of the log that covers it is on its way yet.</p>
      )}
      {a.single && (
        <>
          <h3>By itself</h3>
          <p>{one && one.number > 0 ? `Event ${one.number.toLocaleString('en')} of the contract` : 'An event of the contract'}: its hash, and {one?.code ?? 0} as its type.</p>
          <Facts p={a.single} />
        </>
      )}
      <p class="fine">This part is the host’s word. A saved proof has the anchor in it once it is final; <code>eventseal verify-proof --chain URL</code> asks the chain.</p>
    </section>
  )
}

function Facts({ p }: { p: AnchorPost }) {
  return (
    <>
      <Way p={p} />
      {p.reason && <p class="fine"><Outside text={p.reason} /></p>}
      <dl class="facts">
        {p.kind === 'head' && p.number > 0 && <><dt>Number</dt><dd>head {p.number.toLocaleString('en')} of the contract</dd></>}
        {p.root && <><dt>Root</dt><dd><Mono text={p.root} what="root of the tree" short /></dd></>}
        {p.transactionId && <><dt>Transaction</dt><dd><Mono text={p.transactionId} what="id of the transaction" short /></dd></>}
        {p.blockNum !== undefined && <><dt>Block</dt><dd>{p.blockNum.toLocaleString('en')}{p.blockId && <> <Mono text={p.blockId} what="id of the block" short /></>}</dd></>}
        {p.blockTime && <><dt>Block’s time</dt><dd>{time(seconds(p.blockTime))} <span class="fine">({ago(seconds(p.blockTime))})</span></dd></>}
        {p.finalAt && <><dt>Seen final</dt><dd>{time(seconds(p.finalAt))}</dd></>}
      </dl>
    </>
  )
}
