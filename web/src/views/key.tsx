import { useState } from 'preact/hooks'
import { failureOf } from '../host.ts'
import * as keyring from '../keys/keyring.ts'
import * as vault from '../keys/vault.ts'
import { wallets } from '../keys/wallet.ts'
import { moduleState } from '../module.ts'
import { refusalOf } from '../seal.ts'
import { useStore } from '../store.ts'
import { Badge, Copy, Field, Icon, Mono, Notice, Refused, type Failure } from '../ui/parts.tsx'
import { Outside } from '../ui/text.tsx'

/** Runs something and keeps what went wrong. */
function useAttempt() {
  const [failure, setFailure] = useState<Failure>()
  const [busy, setBusy] = useState(false)
  return {
    failure,
    busy,
    clear: () => setFailure(undefined),
    async run(f: () => void | Promise<void>): Promise<boolean> {
      setFailure(undefined)
      setBusy(true)
      try {
        await f()
        return true
      } catch (e) {
        setFailure(e instanceof vault.WrongPassphrase ? { message: 'This passphrase does not open the key.' } : (refusalOf(e) ?? failureOf(e)))
        return false
      } finally {
        setBusy(false)
      }
    },
  }
}

const from: Record<keyring.Author['from'], string> = {
  memory: 'In the memory of this page only; gone when it is closed.',
  vault: 'Kept in this browser under your passphrase.',
  wallet: 'The wallet signs; the page never sees the private key.',
}

export function KeyCard() {
  const a = useStore(keyring.author)
  const ready = useStore(moduleState).state === 'ready'
  return (
    <section class="card" aria-labelledby="key-head">
      <h2 id="key-head">Your key</h2>
      {a ? <Chosen a={a} /> : ready ? <Choose /> : <p class="quiet-line">Waiting for the module…</p>}
    </section>
  )
}

function Chosen({ a }: { a: keyring.Author }) {
  const [asking, setAsking] = useState<'' | 'keep' | 'reveal'>('')
  return (
    <>
      <dl class="facts">
        <dt>Author</dt>
        <dd><Mono text={a.publicKey} what="public key" /></dd>
      </dl>
      <p class="hint"><strong><Outside text={a.name} /></strong> · {from[a.from]}</p>
      <div class="row wrap">
        {a.from === 'memory' && vault.available() && <button type="button" class="button small" aria-expanded={asking === 'keep'} onClick={() => setAsking(asking === 'keep' ? '' : 'keep')}>Keep it here…</button>}
        {a.from !== 'wallet' && <button type="button" class="button small" aria-expanded={asking === 'reveal'} onClick={() => setAsking(asking === 'reveal' ? '' : 'reveal')}>Back it up…</button>}
        <button type="button" class="button small" onClick={keyring.put}>Use another</button>
      </div>
      {asking === 'keep' && a.from === 'memory' && <Keep done={() => setAsking('')} />}
      {asking === 'reveal' && <Reveal />}
      {a.from === 'memory' && !vault.available() && <p class="hint">The key cannot be kept: this browser encrypts on https:// pages only.</p>}
    </>
  )
}

function Choose() {
  const kept = useStore(keyring.keptKeys)
  const found = useStore(wallets)
  const [importing, setImporting] = useState(false)
  const attempt = useAttempt()
  return (
    <>
      {kept.map(k => <Locked key={k.publicKey} k={k} />)}
      <div class="row wrap">
        <button type="button" class="button" onClick={() => attempt.run(keyring.generate)}><Icon name="key" /> Make a new key</button>
        <button type="button" class="button" aria-expanded={importing} onClick={() => setImporting(!importing)}>Import a key…</button>
        {found.map(w => (
          <button key={w.name} type="button" class="button" disabled={attempt.busy} onClick={() => attempt.run(() => keyring.connect(w))}>
            Use <Outside text={w.name} />
          </button>
        ))}
      </div>
      {importing && <Import />}
      {attempt.failure && <Refused failure={attempt.failure} />}
      <p class="hint">A key you make or import stays in the memory of this page, unless you choose to keep it. It is never sent.</p>
    </>
  )
}

function Import() {
  const attempt = useAttempt()
  const [text, setText] = useState('')
  return (
    <form
      class="sub"
      onSubmit={async e => {
        e.preventDefault()
        if (await attempt.run(() => keyring.take(text.trim()))) setText('')
      }}
    >
      <Field label="Private key" hint="PVT_K1_…, PVT_R1_… or 5…">
        {({ id, describedBy }) => (
          <input id={id} type="password" class="mono" autocomplete="off" spellcheck={false} aria-describedby={describedBy} value={text} onInput={e => { setText(e.currentTarget.value); attempt.clear() }} />
        )}
      </Field>
      {attempt.failure && <Refused failure={attempt.failure} />}
      <button type="submit" class="button small" disabled={text.trim() === ''}>Import</button>
    </form>
  )
}

function Locked({ k }: { k: vault.Sealed }) {
  const attempt = useAttempt()
  const [open, setOpen] = useState(false)
  const [sure, setSure] = useState(false)
  const [text, setText] = useState('')
  return (
    <div class="sub">
      <div class="row between">
        <span><strong><Outside text={k.name} /></strong> <Mono text={k.publicKey} what="public key" short copy={false} /></span>
        <Badge tone="quiet" icon="key">locked</Badge>
      </div>
      <div class="row wrap">
        <button type="button" class="button small" aria-expanded={open} onClick={() => setOpen(!open)}>Unlock…</button>
        {sure ? (
          <>
            <button type="button" class="button small danger" onClick={() => keyring.forget(k.publicKey)}>Really forget it</button>
            <button type="button" class="button small" onClick={() => setSure(false)}>No</button>
          </>
        ) : (
          <button type="button" class="button small" onClick={() => setSure(true)}>Forget…</button>
        )}
      </div>
      {open && (
        <form
          onSubmit={async e => {
            e.preventDefault()
            if (await attempt.run(() => keyring.unlock(k, text))) setText('')
          }}
        >
          <Field label="Passphrase">
            {({ id }) => <input id={id} type="password" autocomplete="current-password" value={text} onInput={e => { setText(e.currentTarget.value); attempt.clear() }} />}
          </Field>
          {attempt.failure && <Refused failure={attempt.failure} />}
          <button type="submit" class="button small" disabled={attempt.busy || text === ''}>{attempt.busy ? 'Unlocking…' : 'Unlock'}</button>
        </form>
      )}
    </div>
  )
}

const shortest = 10

function Keep({ done }: { done: () => void }) {
  const attempt = useAttempt()
  const [name, setName] = useState('My key')
  const [one, setOne] = useState('')
  const [two, setTwo] = useState('')
  const problem = one.length < shortest ? `At least ${shortest} characters.` : two !== '' && one !== two ? 'The two are not the same.' : ''
  return (
    <form
      class="sub"
      onSubmit={async e => {
        e.preventDefault()
        if (problem === '' && one === two && (await attempt.run(() => keyring.keep(name.trim() || 'My key', one)))) done()
      }}
    >
      <Field label="Name">{({ id }) => <input id={id} maxLength={40} autocomplete="off" value={name} onInput={e => setName(e.currentTarget.value)} />}</Field>
      <Field label="Passphrase" hint="Without it nobody can open the key, you included. Back the key up as well.">
        {({ id, describedBy }) => <input id={id} type="password" autocomplete="new-password" aria-describedby={describedBy} value={one} onInput={e => setOne(e.currentTarget.value)} />}
      </Field>
      <Field label="Passphrase again" error={one === '' ? undefined : problem || undefined}>
        {({ id, describedBy, invalid }) => <input id={id} type="password" autocomplete="new-password" aria-describedby={describedBy} aria-invalid={invalid} value={two} onInput={e => setTwo(e.currentTarget.value)} />}
      </Field>
      {attempt.failure && <Refused failure={attempt.failure} />}
      <button type="submit" class="button small" disabled={attempt.busy || problem !== '' || one !== two}>{attempt.busy ? 'Encrypting…' : 'Encrypt and keep'}</button>
    </form>
  )
}

function Reveal() {
  const [shown, setShown] = useState(false)
  const secret = keyring.reveal()
  if (secret === undefined) return null
  return (
    <div class="sub">
      <Notice tone="warn" title="Whoever has this private key can sign as you.">
        <p>Store it where only you can read it, such as a password manager.</p>
      </Notice>
      <div class="row wrap">
        <button type="button" class="button small" onClick={() => setShown(!shown)}>{shown ? 'Hide' : 'Show the private key'}</button>
        <Copy text={secret} what="private key" label="Copy it" />
      </div>
      {shown && <p><code class="mono whole">{secret}</code></p>}
    </div>
  )
}
