import { useEffect, useRef } from 'preact/hooks'
import { noteFailure, pause } from '../connection.ts'
import { statusOf, type Place } from '../documents.ts'
import { HostError, askJson, failureOf } from '../host.ts'
import type { JsonObject } from '../json.ts'
import * as keyring from '../keys/keyring.ts'
import { explain } from '../refusals.ts'
import { eventAddress } from '../router.ts'
import * as seal from '../seal.ts'
import { hostKeys, send } from '../sending.ts'
import { Store, useStore } from '../store.ts'
import { Badge, Icon, Loading, Mono, Refused, announce, type Failure } from '../ui/parts.tsx'
import { save } from '../ui/save.ts'
import { Outside } from '../ui/text.tsx'
import { Places } from './places.tsx'

/** How far the last event has come. It outlives the view. */
export type Outcome =
  | { step: 'none' }
  | { step: 'signing' }
  | { step: 'refused'; failure: Failure }
  | { step: 'signed'; signed: Signed }
  | { step: 'sending'; signed: Signed }
  | { step: 'unsent'; signed: Signed; failure: Failure }
  | { step: 'sent'; signed: Signed; created: boolean; places: Place[]; durable: number; required: number; pledge?: Pledge; unsigned: string; failure?: Failure; watching: boolean }

interface Signed {
  hash: string
  record: string
  title: string
  sig: string
}

/** A host's signed receipt, and what it is worth. */
interface Pledge {
  receipt: JsonObject
  found: seal.Promised | Failure
}

export const outcome = new Store<Outcome>({ step: 'none' })

async function sign(created: seal.CreatedEvent, title: string): Promise<void> {
  outcome.set({ step: 'signing' })
  try {
    const signed = await keyring.sign(created)
    const record = seal.canonical(JSON.stringify(signed))
    // Whatever signed, a wallet too, is checked before it counts.
    const verdict = seal.verify(record)
    if (!verdict.valid || verdict.hash !== created.hash) {
      outcome.set({ step: 'refused', failure: { message: 'not valid', code: verdict.valid ? 'hash_mismatch' : verdict.code } })
      return
    }
    outcome.set({ step: 'signed', signed: { hash: created.hash, record, title, sig: signed.sig } })
    announce('Signed. Nothing is sent yet.')
  } catch (e) {
    outcome.set({ step: 'refused', failure: seal.refusalOf(e) ?? { message: `It was not signed: ${failureOf(e).message}` } })
  }
}

async function submit(signed: Signed): Promise<void> {
  outcome.set({ step: 'sending', signed })
  let places: Place[] = []
  let failure: Failure | undefined
  let created = true
  let durable = 0
  let required = 0
  let pledge: Pledge | undefined
  let unsigned = ''
  try {
    const [r, keys] = await Promise.all([send(signed.record), hostKeys()])
    ;({ created, durable, required, places, unsigned } = r)
    if (r.signed) pledge = { receipt: r.signed, found: seal.promised(r.signed, signed, keys) }
    announce(`Stored in ${durable} places`)
  } catch (e) {
    noteFailure(e)
    failure = failureOf(e)
    // In the journal already: it is safe, and the places follow.
    if (failure.code !== 'insufficient_redundancy') {
      outcome.set({ step: 'unsent', signed, failure })
      return
    }
  }
  outcome.set({ step: 'sent', signed, created, places, durable, required, unsigned, watching: true, ...(pledge ? { pledge } : {}), ...(failure ? { failure } : {}) })
  await follow(signed.hash)
}

/** Asks for the status until every place has the event, less and less often. */
async function follow(hash: string): Promise<void> {
  for (let wait = 300, until = Date.now() + 10 * 60_000; Date.now() < until; wait = Math.min(wait * 1.3, 5000)) {
    const o = outcome.value
    if (o.step !== 'sent' || o.signed.hash !== hash) return
    try {
      const s = statusOf(await askJson(`/v1/events/${hash}/status`))
      const { places } = s
      const done = places.length > 0 && places.every(p => p.state !== 'owed')
      const { failure, ...rest } = o
      outcome.set({ ...rest, places, durable: s.durable, required: s.required, watching: !done, ...(failure && s.durable < s.required ? { failure } : {}) })
      if (done) {
        announce('Every place has confirmed')
        return
      }
    } catch (e) {
      noteFailure(e)
      if (!(e instanceof HostError)) throw e
    }
    await pause(wait)
  }
  const o = outcome.value
  if (o.step === 'sent' && o.signed.hash === hash) outcome.set({ ...o, watching: false })
}

export function SignAndSend({ created, title }: { created: seal.CreatedEvent | undefined; title: string }) {
  const o = useStore(outcome)
  const hasKey = useStore(keyring.author) !== null
  const result = useRef<HTMLDivElement>(null)
  const signed = 'signed' in o ? o.signed : undefined
  const current = signed !== undefined && created?.hash === signed.hash
  useEffect(() => {
    if (o.step === 'signed') result.current?.querySelector<HTMLElement>('[data-next]')?.focus()
  }, [o.step])
  return (
    <>
      {!current && (
        <div class="row">
          <button type="button" class="button primary" disabled={!created || !hasKey || o.step === 'signing'} onClick={() => created && sign(created, title)}>
            {o.step === 'signing' ? 'Signing…' : 'Sign'}
          </button>
        </div>
      )}
      {o.step === 'refused' && <Refused failure={o.failure} />}
      {signed && (
        <div class={`outcome ${current ? '' : 'earlier'}`} ref={result}>
          {!current && <p class="hint">The event you signed before:</p>}
          <dl class="facts">
            {!current && <><dt>Hash</dt><dd><Mono text={signed.hash} what="hash" short /></dd></>}
            <dt>Signature</dt>
            <dd><Badge tone="good">valid</Badge> <Mono text={signed.sig} what="signature" /></dd>
          </dl>
          <Next o={o} signed={signed} />
        </div>
      )}
    </>
  )
}

function Next({ o, signed }: { o: Outcome; signed: Signed }) {
  const keep = <button type="button" class="button" onClick={() => save(`${signed.hash}.json`, signed.record)}><Icon name="down" /> Save to a file</button>
  switch (o.step) {
    case 'signed':
      return (
        <>
          <div class="row wrap">
            <button type="button" class="button primary" data-next onClick={() => submit(signed)}><Icon name="up" /> Submit</button>
            {keep}
          </div>
          <p class="hint">Submitting publishes the event. It cannot be taken back.</p>
        </>
      )
    case 'sending':
      return <Loading what="The host is storing it" />
    case 'unsent':
      return (
        <>
          <Refused failure={o.failure} retry={() => void submit(signed)} />
          <p class="hint">The signed event is still here; nothing is lost.</p>
          <div class="row wrap">{keep}</div>
        </>
      )
    case 'sent':
      return (
        <>
          {o.failure ? (
            <Refused failure={o.failure} tone="warn" retry={() => void submit(signed)} />
          ) : (
            <p class="done" role="status">
              <Badge tone="good">{o.created ? 'Stored' : 'Was stored already'}</Badge>{' '}
              {o.required > 0 && <span>{o.durable} of at least {o.required} durable copies</span>}
            </p>
          )}
          {!o.failure && <Receipt pledge={o.pledge} unsigned={o.unsigned} />}
          <Places places={o.places} />
          {o.watching ? <Loading what="Waiting for the other places" /> : <p class="fine">All places have answered.</p>}
          <div class="row wrap">
            <a class="button primary" href={eventAddress(signed.hash)}>Look at the event</a>
            {keep}
            {o.pledge && <button type="button" class="button" onClick={() => save(`${signed.hash}.receipt.json`, JSON.stringify(o.pledge?.receipt))}><Icon name="down" /> Save the receipt</button>}
          </div>
        </>
      )
    default:
      return <Outside text="" />
  }
}

/** What the host signed for, and whether it did. */
function Receipt({ pledge, unsigned }: { pledge: Pledge | undefined; unsigned: string }) {
  if (!pledge) return <p class="fine">The host gave no signed receipt. {unsigned !== '' && explain(unsigned).what}</p>
  const { found } = pledge
  if (!('key' in found)) return <Refused failure={found} tone="warn" />
  return (
    <dl class="facts">
      <dt>Receipt</dt>
      <dd><Badge tone="good">signed</Badge> as № {found.sequence.toLocaleString('en')} of the log <span class="mono"><Outside text={found.origin} /></span></dd>
      <dt>by the host</dt>
      <dd><Mono text={found.key} what="host’s key" /></dd>
    </dl>
  )
}
