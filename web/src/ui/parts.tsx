import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { explain, place } from '../refusals.ts'
import { Store, useStore } from '../store.ts'
import { Outside } from './text.tsx'

/** What a screen reader is told without the focus moving. */
export const announcement = new Store('')
export const announce = (text: string) => announcement.set(text)

export function Announcer() {
  return (
    <div class="unseen-text" role="status" aria-live="polite">
      {useStore(announcement)}
    </div>
  )
}

const paths = {
  check: 'M3.5 8.5l3 3 6-7',
  cross: 'M4 4l8 8M12 4l-8 8',
  warn: 'M8 2.5l6 11H2zM8 6.5v3.2M8 11.7v.1',
  wait: 'M8 4.5V8l2.5 1.5M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0',
  info: 'M8 7.5v3.5M8 5v.1M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0',
  copy: 'M6 6h7v7H6zM3 10V3h7',
  plus: 'M8 3v10M3 8h10',
  sun: 'M8 5.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9',
  moon: 'M13 9.7A5.5 5.5 0 0 1 6.3 3a5.5 5.5 0 1 0 6.7 6.7',
  auto: 'M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12',
  key: 'M9.5 6.5a2.5 2.5 0 1 1 1.5 2.3L8 12H6v2H3v-2.5l4.7-4.3',
  up: 'M8 13V3M4 7l4-4 4 4',
  down: 'M8 3v10M4 9l4 4 4-4',
} as const
export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}

export type Tone = 'good' | 'warn' | 'bad' | 'quiet' | 'info'
const toneIcon: Record<Tone, IconName> = { good: 'check', warn: 'warn', bad: 'cross', quiet: 'wait', info: 'info' }

/** A state in words; the colour and the sign only repeat them. */
export function Badge({ tone, children, icon }: { tone: Tone; children: ComponentChildren; icon?: IconName }) {
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon ?? toneIcon[tone]} />
      {children}
    </span>
  )
}

export function Notice({ tone, title, children, action }: { tone: Tone; title?: ComponentChildren; children?: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon name={toneIcon[tone]} />
      <div class="notice-text">
        {title && <p class="notice-title">{title}</p>}
        {children}
      </div>
      {action}
    </div>
  )
}

/** A failed call, as everything that fails in the page is told. */
export interface Failure {
  code?: string | undefined
  message: string
  pointer?: string | undefined
  detail?: string | undefined
  requestId?: string | undefined
  replicas?: { replica: string; error: string }[] | undefined
}

export function Refused({ failure, retry, tone = 'bad' }: { failure: Failure; retry?: (() => void) | undefined; tone?: Tone }) {
  const words = failure.code === undefined ? { what: <Outside text={failure.message} />, todo: '' } : explain(failure.code)
  const where = failure.pointer ? place(failure.pointer) : ''
  return (
    <Notice tone={tone} title={words.what} action={retry && <button type="button" class="button small" onClick={retry}>Try again</button>}>
      {where && <p>The place: <Outside text={where} />.</p>}
      {words.todo && <p>{words.todo}</p>}
      {failure.replicas?.map(r => (
        <p key={r.replica} class="fine"><Outside text={r.replica} />: <Outside text={r.error} /></p>
      ))}
      {(failure.code || failure.detail || failure.requestId) && (
        <p class="fine">
          {failure.code && <code><Outside text={failure.code} /></code>}
          {failure.pointer && <> at <code><Outside text={failure.pointer} /></code></>}
          {failure.detail && <>: <Outside text={failure.detail} /></>}
          {failure.requestId && <> · request <code><Outside text={failure.requestId} /></code></>}
        </p>
      )}
    </Notice>
  )
}

export function Loading({ what }: { what: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" /> {what}…
    </p>
  )
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  )
}

async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false // no permission, or not a secure context
  }
}

export function Copy({ text, what, label }: { text: string; what: string; label?: string }) {
  const [done, setDone] = useState<boolean | null>(null)
  useEffect(() => {
    if (done === null) return
    const t = setTimeout(() => setDone(null), 1600)
    return () => clearTimeout(t)
  }, [done])
  return (
    <button
      type="button"
      class={`copy ${label ? 'button small' : ''}`}
      aria-label={`Copy ${what}`}
      title={`Copy ${what}`}
      onClick={async () => {
        const ok = await toClipboard(text)
        setDone(ok)
        announce(ok ? `Copied ${what}` : 'The browser did not allow copying')
      }}
    >
      <Icon name={done === null ? 'copy' : done ? 'check' : 'cross'} />
      {label && <span>{done ? 'Copied' : label}</span>}
    </button>
  )
}

/** A hash, key or signature: whole for machines and copying, short for eyes where it must be. */
export function Mono({ text, what, short = false, copy = true, href }: { text: string; what: string; short?: boolean; copy?: boolean; href?: string }) {
  const shown = short && text.length > 20 ? `${text.slice(0, text.startsWith('PUB_') ? 13 : 8)}…${text.slice(-6)}` : text
  const body = <code class="mono" title={short ? text : undefined}><Outside text={shown} /></code>
  return (
    <span class={`mono-line ${short ? 'short' : ''}`}>
      {href ? <a href={href}>{body}</a> : body}
      {copy && <Copy text={text} what={what} />}
    </span>
  )
}

export function Field({ label, hint, error, children, optional }: { label: string; hint?: string | undefined; error?: string | undefined; optional?: boolean | undefined; children: (ids: { id: string; describedBy: string | undefined; invalid: boolean }) => ComponentChildren }) {
  const id = useId()
  const about = [hint && `${id}h`, error && `${id}e`].filter(Boolean).join(' ')
  return (
    <div class={`field ${error ? 'wrong' : ''}`}>
      <label for={id}>
        {label}
        {optional && <span class="optional"> optional</span>}
      </label>
      {children({ id, describedBy: about || undefined, invalid: error !== undefined })}
      {hint && <p class="hint" id={`${id}h`}>{hint}</p>}
      {error && <p class="field-error" id={`${id}e`}><Icon name="warn" /><Outside text={error} /></p>}
    </div>
  )
}

/** Tabs as the ARIA authoring practices have them: arrows move, Tab leaves. */
export function Tabs<T extends string>({ label, tabs, current, choose, children }: { label: string; tabs: [T, string][]; current: T; choose: (t: T) => void; children: ComponentChildren }) {
  const id = useId()
  const buttons = useRef<Record<string, HTMLButtonElement | null>>({})
  const move = (e: KeyboardEvent) => {
    const at = tabs.findIndex(([t]) => t === current)
    const to = ({ ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 } as Record<string, number>)[e.key]
    if (to === undefined) return
    e.preventDefault()
    const next = tabs[(to + tabs.length) % tabs.length]![0]
    choose(next)
    buttons.current[next]?.focus()
  }
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} class="tablist" onKeyDown={move}>
        {tabs.map(([t, name]) => (
          <button
            key={t} type="button" role="tab" id={`${id}-${t}`} aria-selected={t === current} aria-controls={`${id}-panel`}
            tabIndex={t === current ? 0 : -1} ref={el => void (buttons.current[t] = el)} onClick={() => choose(t)}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${current}`}>{children}</div>
    </div>
  )
}

/** A heading with a part that can be folded away. */
export function Fold({ title, open = false, children }: { title: ComponentChildren; open?: boolean; children: () => ComponentChildren }) {
  const [shown, setShown] = useState(open)
  const id = useId()
  return (
    <div class="fold">
      <button type="button" class="fold-title" aria-expanded={shown} aria-controls={id} onClick={() => setShown(!shown)}>
        <span class="chevron" aria-hidden="true" />{title}
      </button>
      <div id={id}>{shown && children()}</div>
    </div>
  )
}
