import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { chooseType, draft, edit, preview, setIn, setText, setWrong, start } from '../draft.ts'
import { Fields, type Editing } from '../forms/form.tsx'
import { missing } from '../forms/missing.ts'
import { Texts } from '../forms/texts.tsx'
import { forms, proofFields, titleOf } from '../forms/types.ts'
import { author } from '../keys/keyring.ts'
import { eventTypes, moduleState } from '../module.ts'
import { goTo, route } from '../router.ts'
import { usualLimit } from '../seal.ts'
import { Store, useStore } from '../store.ts'
import { Bytes } from '../ui/bytes.tsx'
import { Badge, Field, Icon, Loading, Mono, Notice, Refused, Tabs } from '../ui/parts.tsx'
import { Outside, time } from '../ui/text.tsx'
import { KeyCard } from './key.tsx'
import { SignAndSend, outcome } from './send.tsx'
import { Title } from './title.tsx'

export function Sign() {
  const r = useStore(route)
  useEffect(() => {
    // Arrived from an event: the answer names it and joins its thread.
    const type = r.query.get('type')
    const target = r.query.get('target')
    if (type === null || !Object.hasOwn(forms, type)) return
    const known = target !== null && /^[0-9a-f]{64}$/.test(target)
    const field = forms[type]!.fields.find(f => f.kind === 'event')
    start(type, known && field ? { [field.name]: target } : {}, undefined, known ? [target] : [])
    outcome.set({ step: 'none' })
    goTo('#/sign', true)
  }, [r])
  return (
    <>
      <Title text="Sign an event">What you write is put into one canonical form, hashed and signed here, in this page. Your private key never leaves it.</Title>
      <div class="columns">
        <div class="main-column">
          <TypeCard />
          <BodyCard />
          <AroundCard />
        </div>
        <div class="side-column stays">
          <KeyCard />
          <PreviewCard />
        </div>
      </div>
    </>
  )
}

function TypeCard() {
  const d = useStore(draft)
  const registered = useStore(eventTypes).filter(t => !Object.hasOwn(forms, t.name))
  const form = Object.hasOwn(forms, d.type) ? forms[d.type] : undefined
  return (
    <section class="card" aria-labelledby="type-head">
      <h2 id="type-head">What it says</h2>
      <Field label="Type of event" hint={form?.about ?? 'A type that this host has registered. Its body is written as JSON.'}>
        {({ id, describedBy }) => (
          <select id={id} aria-describedby={describedBy} value={d.type} onInput={e => chooseType(e.currentTarget.value)}>
            {Object.entries(forms).map(([type, f]) => <option key={type} value={type}>{f.title} · {type}</option>)}
            {registered.map(t => <option key={t.name} value={t.name}>{t.name}</option>)}
          </select>
        )}
      </Field>
      {form && (
        <button type="button" class="link" onClick={() => start(d.type, form.example, form.example_proofs, [])}>
          Fill in an example
        </button>
      )}
    </section>
  )
}

const view = new Store<'form' | 'json'>('form')

function editingOf(which: 'body' | 'proofs', d: typeof draft.value): Editing {
  return {
    root: d[which].value ?? {},
    set: (path, value) => setIn(which, path, value),
    wrong: (path, message) => setWrong(`${which}/${path.join('/')}`, message),
    parents: d.parents,
    addParent: hash => edit({ parents: [...draft.value.parents, hash] }),
  }
}

function BodyCard() {
  const d = useStore(draft)
  const chosen = useStore(view)
  const form = Object.hasOwn(forms, d.type) ? forms[d.type] : undefined
  const current = form ? chosen : 'json'
  return (
    <section class="card" aria-labelledby="body-head">
      <h2 id="body-head">Body</h2>
      <Tabs label="How to write the body" tabs={form ? [['form', 'Form'], ['json', 'JSON']] : [['json', 'JSON']]} current={current} choose={t => view.set(t)}>
        {current === 'json' || !form ? (
          <JsonText which="body" label="Body as JSON" />
        ) : d.body.value === null ? (
          <Notice tone="warn" title="The JSON cannot be read at the moment.">
            <p><Outside text={d.body.fault ?? ''} /> The form is back as soon as it can.</p>
          </Notice>
        ) : (
          <Fields key={d.type} fields={form.fields} path={[]} editing={editingOf('body', d)} />
        )}
      </Tabs>
    </section>
  )
}

function JsonText({ which, label }: { which: 'body' | 'proofs'; label: string }) {
  const w = useStore(draft)[which]
  return (
    <Field label={label} error={w.fault}>
      {({ id, describedBy, invalid }) => (
        <textarea
          id={id} class="code" rows={Math.min(24, Math.max(6, w.text.split('\n', 30).length + 1))} spellcheck={false} autocomplete="off" autocapitalize="off"
          aria-describedby={describedBy} aria-invalid={invalid} value={w.text} onInput={e => setText(which, e.currentTarget.value)}
        />
      )}
    </Field>
  )
}

const proofView = new Store<'form' | 'json'>('form')

function AroundCard() {
  const d = useStore(draft)
  const shown = useStore(proofView)
  const bad = d.parents.map((p, i) => (!/^[0-9a-f]{64}$/.test(p) ? 'A hash has 64 digits, 0–9 and a–f.' : d.parents.indexOf(p) < i ? 'This one is there twice.' : ''))
  const fault = bad.find(b => b !== '')
  useEffect(() => setWrong('parents', fault ?? ''), [fault])
  return (
    <section class="card" aria-labelledby="around-head">
      <h2 id="around-head">Around it</h2>
      <fieldset class="group">
        <legend>Parents <span class="optional">optional</span></legend>
        <p class="hint">Hashes of the events that this one follows. They make the thread.</p>
        <Texts items={d.parents} item="parent" label="Parents" mono change={parents => edit({ parents: parents.map(p => p.trim().toLowerCase()) })} />
        {fault && <p class="field-error"><Icon name="warn" />{fault}</p>}
      </fieldset>
      <fieldset class="group">
        <legend>Proofs <span class="optional">optional</span></legend>
        <Tabs label="How to write the proofs" tabs={[['form', 'Sources'], ['json', 'JSON']]} current={shown} choose={t => proofView.set(t)}>
          {shown === 'json' ? (
            <JsonText which="proofs" label="Proofs as JSON" />
          ) : d.proofs.value === null ? (
            <Notice tone="warn" title="The JSON cannot be read at the moment."><p><Outside text={d.proofs.fault ?? ''} /></p></Notice>
          ) : (
            <Fields fields={proofFields} path={[]} editing={editingOf('proofs', d)} />
          )}
        </Tabs>
      </fieldset>
      <Clock />
    </section>
  )
}

function Clock() {
  const d = useStore(draft)
  const [text, setText] = useState<string | null>(null)
  const ok = text === null || (/^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)))
  return (
    <Field label="Created at" hint={ok ? `${time(d.createdAt)}${d.clock ? ' · follows your edits' : ''}` : undefined} error={ok ? undefined : 'Whole seconds since 1970.'}>
      {({ id, describedBy, invalid }) => (
        <div class="row">
          <input
            id={id} inputMode="numeric" class="narrow mono" autocomplete="off" aria-describedby={describedBy} aria-invalid={invalid} value={text ?? String(d.createdAt)}
            onInput={e => {
              const t = e.currentTarget.value.trim()
              const good = /^\d{1,16}$/.test(t) && Number.isSafeInteger(Number(t))
              setWrong('created_at', good ? '' : 'The time is not whole seconds.')
              setText(good ? null : t)
              if (good) edit({ clock: false, createdAt: Number(t) })
            }}
          />
          <button type="button" class="button small" onClick={() => { setText(null); setWrong('created_at', ''); edit({ clock: true, createdAt: Math.floor(Date.now() / 1000) }) }}>Now</button>
        </div>
      )}
    </Field>
  )
}

/** Values that settle: an edit is looked at once the keys rest. */
function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const t = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(t)
  }, [value, ms])
  return settled
}

function PreviewCard() {
  const d = useStore(draft)
  const a = useStore(author)
  const module = useStore(moduleState)
  const large = d.body.text.length + d.proofs.text.length > 50_000
  const settledDraft = useSettled(d, large ? 400 : 60)
  const ready = module.state === 'ready'
  const shown = useMemo(() => (ready ? preview(settledDraft, a?.publicKey) : undefined), [settledDraft, a?.publicKey, ready])
  const blanks = useMemo(() => (Object.hasOwn(forms, d.type) && d.body.value ? missing(forms[d.type]!.fields, d.body.value) : []), [d.type, d.body.value])
  const top = useRef<HTMLElement>(null)
  return (
    <section class="card preview" aria-labelledby="preview-head" ref={top}>
      <h2 id="preview-head">What will be signed</h2>
      {shown === undefined ? (
        module.state === 'failed' ? <Refused failure={module.failure!} /> : <Loading what="Loading the module" />
      ) : 'waiting' in shown ? (
        <p class="quiet-line"><Icon name="key" /> {shown.waiting}</p>
      ) : 'failure' in shown ? (
        <Refused failure={shown.failure} tone="warn" />
      ) : (
        <>
          <dl class="facts">
            <dt>Hash</dt>
            <dd><Mono text={shown.created.hash} what="hash" /></dd>
          </dl>
          <Bytes text={shown.created.canonical} label="Canonical bytes" what="canonical bytes" />
        </>
      )}
      {shown !== undefined && 'created' in shown && shown.created.canonical.length > usualLimit && (
        <Notice tone="warn" title="This is larger than what hosts usually take (256 KiB). This one may refuse it." />
      )}
      {blanks.length > 0 && (
        <p class="quiet-line"><Badge tone="info">not filled in</Badge> <Outside text={blanks.slice(0, 4).join(', ') + (blanks.length > 4 ? ` and ${blanks.length - 4} more` : '')} /></p>
      )}
      <SignAndSend created={shown !== undefined && 'created' in shown && settledDraft === d ? shown.created : undefined} title={titleOf(d.type)} />
    </section>
  )
}
