import { useEffect, useRef, useState } from 'preact/hooks'
import type { Proof } from '../checking.ts'
import { prove } from '../checker.ts'
import { noteFailure } from '../connection.ts'
import { titleOf } from '../forms/types.ts'
import { failureOf } from '../host.ts'
import { explain, place } from '../refusals.ts'
import { eventAddress } from '../router.ts'
import type { ProofAnchor, ProofParts, ProofReport } from '../sdk.ts'
import { Badge, Icon, Loading, Mono, Notice, Refused, announce, type Failure } from '../ui/parts.tsx'
import { save } from '../ui/save.ts'
import { Outside, plural, time } from '../ui/text.tsx'

/** Gets an event's proof from the host, checks it here, and gives it to the person to keep. */
export function ProofCard({ hash }: { hash: string }) {
  const [state, setState] = useState<{ proof?: Proof; failure?: Failure; busy: boolean }>({ busy: false })
  const stop = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => stop.current?.abort(), [])
  const keep = ({ file }: Proof) => save(`${hash}.proof.json`, file)
  const get = async () => {
    const mine = (stop.current = new AbortController())
    setState({ busy: true })
    try {
      const proof = await prove(hash, mine.signal)
      setState({ proof, busy: false })
      announce(proof.report.valid ? 'The proof is valid' : 'The proof is not valid')
      if (proof.report.valid) keep(proof)
    } catch (e) {
      if (mine.signal.aborted) return
      noteFailure(e)
      setState({ failure: failureOf(e), busy: false })
    }
  }
  const { proof, failure, busy } = state
  return (
    <section class="card" aria-labelledby="proof-head">
      <h2 id="proof-head">Proof</h2>
      <p class="fine">One file that proves this event, and that the host took it in, to anyone, offline and for ever.</p>
      {!proof && !busy && !failure && <button type="button" class="button" onClick={get}><Icon name="down" /> Save the proof</button>}
      {busy && <Loading what="Fetching and checking the proof" />}
      {failure && <Refused failure={failure} retry={get} tone="warn" />}
      {proof && (
        <>
          <ProofVerdict report={proof.report} />
          <div class="row wrap">
            <button type="button" class="button small" onClick={() => keep(proof)}><Icon name="down" /> {proof.report.valid ? 'Save it again' : 'Save it all the same'}</button>
            <a class="button small" href="#/verify">Verify a file</a>
          </div>
          {!proof.report.valid && <p class="hint">What a host serves as a proof, and is none, is evidence against it.</p>}
        </>
      )}
    </section>
  )
}

const partWords: Record<keyof ProofParts, [string, (r: ProofReport) => string]> = {
  record: ['Event', () => 'The author’s key signed exactly these contents.'],
  receipt: ['Receipt', () => 'The host’s key signed that it took in this event, under this number.'],
  path: ['Log', r => `The event is number ${count(r.sequence)} of the ${count(r.size)} in the log’s tree.`],
  checkpoint: ['Checkpoint', () => 'The head of the log is signed by the log’s key, and by the one that signed the receipt.'],
  cosignatures: ['Witnesses', r => `${plural(r.witnesses ?? 0, 'witness', 'witnesses')} that you trust saw the log with this head.`],
  keys: ['Keys', () => 'The host and the log are those that you trust.'],
  anchor: ['Anchor', () => 'The head of the log is on the chain.'],
}

/** What is said of a part that is neither valid nor wrong. */
const undecided: Record<string, [string, string]> = {
  'anchor absent': ['not there', 'The head of the log is not on a chain.'],
  'anchor needs chain': ['needs its chain', 'The transaction is signed, and carries a head of this log. Whether it is on the chain is for the chain to say.'],
  'cosignatures absent': ['not there', 'No witness has cosigned this head of the log.'],
  'cosignatures needs policy': ['not checked', 'There are cosignatures, by nobody whose key was given here.'],
  'not checked': ['not checked', 'What it would be checked with is wrong.'],
  'keys needs keys': ['not checked', 'Whose keys they are is not said here: compare the host’s key below with the one that you know.'],
}

const count = (n: number | undefined) => (n ?? 0).toLocaleString('en')

/** Codes that say of a file what their own words say of an event. */
const fileWords: Record<string, string> = {
  missing_field: 'It lacks a part that every proof has.',
  unknown_field: 'It has a part that no proof has.',
  invalid_field: 'A part of it does not have the form that it must have.',
  too_large: 'It is larger than any proof.',
  depth_exceeded: 'It is nested more deeply than any proof.',
}

/** What a proof shows, part by part. */
export function ProofVerdict({ report: r }: { report: ProofReport }) {
  const code = r.code ?? 'internal'
  return (
    <div class={`verdict ${r.valid ? 'valid' : 'invalid'}`}>
      {r.valid ? (
        <p><Badge tone="good">valid</Badge> {r.parts?.keys === 'valid' ? 'By the keys that you trust, this' : 'This'} event was taken in as number {count(r.sequence)}.</p>
      ) : (
        <Notice tone="bad" title={r.parts ? 'This proof does not hold.' : 'This is not a proof that can be read.'}>
          <p>{(r.parts ? undefined : fileWords[code]) ?? explain(code).what}</p>
          {r.pointer && <p>The place: <Outside text={place(r.pointer)} />.</p>}
          <p class="fine"><code>{code}</code>{r.pointer && <> at <code><Outside text={r.pointer} /></code></>}</p>
        </Notice>
      )}
      {r.parts && <Parts r={r} parts={r.parts} />}
      {r.anchor && <Anchored a={r.anchor} />}
      {!r.valid && r.parts && <p class="fine">What its parts say, without having proven it:</p>}
      {r.parts && <Facts r={r} />}
    </div>
  )
}

function Parts({ r, parts }: { r: ProofReport; parts: ProofParts }) {
  return (
    <ul class="checks" aria-label="Parts of the proof">
      {(Object.keys(partWords) as (keyof ProofParts)[]).map(name => {
        const [title, words] = partWords[name]
        const verdict = parts[name]
        const open = undecided[`${name} ${verdict}`] ?? undecided[verdict]
        const passed = verdict === 'valid'
        return (
          <li key={name} class={passed ? 'passed' : open ? 'skipped' : 'failed'}>
            <Icon name={passed ? 'check' : open ? 'wait' : 'cross'} />
            <div>
              <strong>{title}</strong> <span class="state">{passed ? 'valid' : (open?.[0] ?? 'wrong')}</span>
              <p>{passed ? words(r) : open ? open[1] : <>{explain(verdict).what} <code>{verdict}</code></>}</p>
            </div>
          </li>
        )
      })}
    </ul>
  )
}

/** What the proof says of a chain, and how to have it asked: this page asks none. */
function Anchored({ a }: { a: ProofAnchor }) {
  return (
    <section class="sub" aria-label="What is left for the chain to say">
      <dl class="facts">
        <dt>Chain</dt><dd><Mono text={a.chainId} what="id of the chain" short /></dd>
        <dt>Contract</dt><dd class="mono"><Outside text={a.contract} /></dd>
        <dt>Head</dt><dd>{count(a.seq)} of the contract, of {plural(a.size, 'event')}</dd>
        <dt>Block</dt><dd>{count(a.blockNum)} <Mono text={a.blockId} what="id of the block" short /></dd>
        <dt>Block’s time</dt><dd>{time(Math.floor(Date.parse(a.time) / 1000))}</dd>
        <dt>Transaction</dt><dd><Mono text={a.transactionId} what="id of the transaction" short /></dd>
      </dl>
      <p class="fine">A node of that chain is asked by <code>eventseal verify-proof --chain URL FILE</code>.</p>
    </section>
  )
}

function Facts({ r }: { r: ProofReport }) {
  return (
    <dl class="facts">
      {r.hash !== undefined && <><dt>Event</dt><dd><Mono text={r.hash} what="hash" href={eventAddress(r.hash)} /></dd></>}
      {r.type !== undefined && <><dt>Type</dt><dd><Outside text={titleOf(r.type)} /></dd></>}
      {r.author !== undefined && <><dt>Author</dt><dd><Mono text={r.author} what="author’s key" /></dd></>}
      {r.sequence !== undefined && <><dt>Number</dt><dd>№ {count(r.sequence)}{r.size !== undefined && ` of ${count(r.size)}`}</dd></>}
      {r.admittedAt !== undefined && <><dt>Taken in</dt><dd>{time(Math.floor(r.admittedAt / 1000))} <span class="fine">(by the host’s clock)</span></dd></>}
      {r.key !== undefined && <><dt>Host’s key</dt><dd><Mono text={r.key} what="host’s key" /></dd></>}
      {r.origin !== undefined && <><dt>Log</dt><dd class="mono"><Outside text={r.origin} /></dd></>}
    </dl>
  )
}
