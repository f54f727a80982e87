import { useEffect } from 'preact/hooks'
import type { Check, Inspection, Listing } from '../checking.ts'
import { ancestors, inspect, list } from '../checker.ts'
import { useLoad, useTick } from '../connection.ts'
import { forms, titleOf } from '../forms/types.ts'
import { gist } from '../forms/gist.ts'
import { statusOf } from '../documents.ts'
import { askJson } from '../host.ts'
import { isObject, type Json } from '../json.ts'
import { explain, place } from '../refusals.ts'
import { exploreAddress, route } from '../router.ts'
import { useStore } from '../store.ts'
import { Bytes } from '../ui/bytes.tsx'
import { Badge, Empty, Fold, Icon, Loading, Mono, Notice, Refused } from '../ui/parts.tsx'
import { Outside, ago, cut, plural, size, time } from '../ui/text.tsx'
import { Tree } from '../ui/tree.tsx'
import { EventAnchorCard, onItsWay } from './anchor.tsx'
import { Places } from './places.tsx'
import { ProofCard } from './proof.tsx'
import { Rows } from './rows.tsx'
import { Title } from './title.tsx'

export function Event() {
  const { hash } = useStore(route)
  return <One key={hash} hash={hash} />
}

function One({ hash }: { hash: string }) {
  const found = useLoad(signal => inspect(hash, signal), [hash])
  useTick(30_000)
  const i = found.value
  const event = i && isObject(i.event) ? i.event : undefined
  const type = typeof event?.type === 'string' ? event.type : ''
  return (
    <>
      <Title text={event ? cut(titleOf(type), 60) : 'Event'} />
      <p class="hash-line"><Mono text={hash} what="hash" /></p>
      {found.failure && <Refused failure={found.failure} retry={found.reload} />}
      {found.loading && !i && <Loading what="Fetching and checking the event" />}
      {i && (
        <div class="columns">
          <div class="main-column">
            <Verification i={i} />
            {event ? <Contents event={event} i={i} /> : <section class="card"><h2>What was received</h2><Bytes text={i.record} label="Received" what="what was received" /></section>}
          </div>
          <div class="side-column">
            {event && i.verdict.valid && <Answer hash={hash} />}
            {i.verdict.valid && <ProofCard hash={hash} />}
            <Whereabouts hash={hash} />
            <Thread hash={hash} parents={i.verdict.valid && Array.isArray(event?.parents) ? event.parents.map(String) : []} />
          </div>
        </div>
      )}
    </>
  )
}

const checkWords: Record<Check['name'], [string, string]> = {
  form: ['Well formed', 'One event, strictly read: nothing doubled, unknown, missing or ambiguous.'],
  canonical: ['Canonical', 'The bytes received are exactly the canonical form (RFC 8785).'],
  hash: ['Hash', 'SHA-256 of the canonical bytes is the hash asked for.'],
  sha256: ['Hash, once more', 'The browser’s own SHA-256 finds it too.'],
  signature: ['Signature', 'The author’s key signed exactly this hash.'],
}

function Verification({ i }: { i: Inspection }) {
  return (
    <section class={`card verdict ${i.verdict.valid ? 'valid' : 'invalid'}`} aria-labelledby="verdict-head">
      <div class="row between">
        <h2 id="verdict-head">{i.verdict.valid ? 'Verified in this page' : 'Not valid'}</h2>
        {i.verdict.valid ? <Badge tone="good">valid</Badge> : <Badge tone="bad">invalid</Badge>}
      </div>
      {!i.verdict.valid && (
        <Notice tone="bad" title={explain(i.verdict.code ?? '').what}>
          {i.verdict.pointer && <p>The place: <Outside text={place(i.verdict.pointer)} />.</p>}
          <p>{explain(i.verdict.code ?? '').todo}</p>
          <p class="fine"><code>{i.verdict.code}</code></p>
        </Notice>
      )}
      <ul class="checks">
        {i.checks.map(c => {
          const [name, words] = checkWords[c.name]
          return (
            <li key={c.name} class={c.state}>
              <Icon name={c.state === 'passed' ? 'check' : c.state === 'failed' ? 'cross' : 'wait'} />
              <div>
                <strong>{name}</strong> <span class="state">{c.state === 'passed' ? 'passed' : c.state === 'failed' ? 'failed' : 'not checked'}</span>
                <p>{c.state === 'failed' ? failed(c, i) : words}</p>
              </div>
            </li>
          )
        })}
      </ul>
      {i.computed !== undefined && i.computed !== i.hash && <p class="fine">These contents hash to <Mono text={i.computed} what="hash of the contents" short /></p>}
      <p class="fine">{size(i.bytes)} checked in {i.took < 10 ? i.took.toFixed(1) : Math.round(i.took)} ms, with the module that the host runs.</p>
    </section>
  )
}

function failed(c: Check, i: Inspection): string {
  if (c.name === 'canonical') return 'The bytes received are not in the canonical form.'
  if (c.name === 'hash' || c.name === 'sha256') return 'The contents have another hash than the one asked for.'
  return explain(c.code ?? i.verdict.code ?? '').what
}

function Contents({ event, i }: { event: { [k: string]: Json }; i: Inspection }) {
  const text = (v: Json | undefined) => (typeof v === 'string' ? v : v === undefined ? '' : cut(JSON.stringify(v), 200))
  const author = text(event.author_pubkey)
  const created = event.created_at
  const about = gist(text(event.type), event.body ?? null)
  return (
    <section class="card" aria-labelledby="contents-head">
      <h2 id="contents-head">Contents</h2>
      {!i.verdict.valid && <Notice tone="warn" title="These contents did not pass the checks. Do not rely on them." />}
      {about && <p class="about"><Outside text={about} /></p>}
      <dl class="facts">
        <dt>Type</dt>
        <dd><code class="mono"><Outside text={cut(text(event.type), 100)} /></code></dd>
        <dt>Author</dt>
        <dd>{author.length <= 100 ? <Mono text={author} what="author’s key" href={exploreAddress({ author })} /> : <Outside text={cut(author, 100)} />}</dd>
        <dt>Created</dt>
        <dd>{typeof created === 'number' ? <>{time(created)} <span class="fine">({ago(created)}, by the author’s clock)</span></> : <Outside text={text(created)} />}</dd>
        <dt>Signature</dt>
        <dd>{text(event.sig) ? <Mono text={cut(text(event.sig), 200)} what="signature" /> : 'none'}</dd>
      </dl>
      <h3>Body</h3>
      <Tree value={event.body ?? null} label="Body" />
      {event.proofs !== undefined && <><h3>Proofs</h3><Tree value={event.proofs} label="Proofs" /></>}
      <Fold title="Canonical bytes">
        {() => (
          <>
            {i.preimage !== undefined && <Bytes text={i.preimage} label="What was hashed and signed" what="canonical bytes" />}
            <Bytes text={i.record} label="The whole record, as stored" what="record" />
          </>
        )}
      </Fold>
    </section>
  )
}

function Answer({ hash }: { hash: string }) {
  return (
    <section class="card" aria-labelledby="answer-head">
      <h2 id="answer-head">Answer it</h2>
      <div class="row wrap">
        {(['DISCUSS', 'LIKE', 'VOTE'] as const).map(t => <a key={t} class="button small" href={`#/sign?type=${t}&target=${hash}`}>{forms[t]!.title}</a>)}
      </div>
    </section>
  )
}

function Whereabouts({ hash }: { hash: string }) {
  const s = useLoad(async signal => statusOf(await askJson(`/v1/events/${hash}/status`, { signal })), [hash])
  const v = s.value
  const owed = v?.places.some(r => r.state === 'owed' || r.state === 'missing' || r.state === 'damaged') ?? false
  const moves = owed || (v?.anchor ? onItsWay(v.anchor) : false)
  useEffect(() => {
    if (!moves) return
    const t = setInterval(s.reload, 3000)
    return () => clearInterval(t)
  }, [moves])
  return (
    <>
      <section class="card" aria-labelledby="where-head">
        <h2 id="where-head">Where it is kept</h2>
        {s.failure && <Refused failure={s.failure} retry={s.reload} tone="warn" />}
        {s.loading && !v && <Loading what="Asking the host" />}
        {v && (
          <>
            <p>
              {v.lost ? <Badge tone="bad">lost</Badge> : v.durable >= v.required ? <Badge tone="good">redundant</Badge> : <Badge tone="warn">not redundant yet</Badge>}{' '}
              {plural(v.durable, 'durable copy', 'durable copies')}, {v.required} required
            </p>
            <Places places={v.places} />
            <p class="fine">Admitted {Number.isFinite(v.admittedAt) ? time(v.admittedAt) : ''} as № {v.sequence.toLocaleString('en')}{v.epoch !== '' && <> of the order <span class="mono"><Outside text={v.epoch} /></span></>}. This part is the host’s word.</p>
            {v.archive !== null && <Fold title="Archive">{() => <Tree value={v.archive} label="Archive" />}</Fold>}
          </>
        )}
      </section>
      {v?.anchor && <EventAnchorCard anchor={v.anchor} />}
    </>
  )
}

function Thread({ hash, parents }: { hash: string; parents: string[] }) {
  const up = useLoad<Listing>(signal => (parents.length > 0 ? ancestors(hash, parents, signal) : Promise.resolve({ rows: [], epoch: '' })), [hash, parents])
  const down = useLoad(signal => list(`/v1/events?parent=${hash}&order=asc&limit=50`, signal), [hash])
  return (
    <section class="card thread" aria-labelledby="thread-head">
      <h2 id="thread-head">Thread</h2>
      <h3>Before it</h3>
      {up.failure && <Refused failure={up.failure} retry={up.reload} tone="warn" />}
      {up.loading && !up.value && <Loading what="Following the parents" />}
      {up.value && (up.value.rows.length === 0 ? <p class="fine">It has no parents: a thread begins here.</p> : <Rows rows={up.value.rows.filter(r => r.hash !== hash)} label="Ancestors" />)}
      {up.value?.truncated && <p class="fine">There are more before these.</p>}
      <h3>After it</h3>
      {down.failure && <Refused failure={down.failure} retry={down.reload} tone="warn" />}
      {down.loading && !down.value && <Loading what="Looking for answers" />}
      {down.value && (down.value.rows.length === 0 ? <Empty title="Nothing refers to it yet." /> : <Rows rows={down.value.rows} label="Events that follow" />)}
      {down.value?.next && <p><a href={exploreAddress({ parent: hash })}>Show all that follow</a></p>}
    </section>
  )
}

