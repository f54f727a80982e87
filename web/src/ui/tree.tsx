import { useId, useState } from 'preact/hooks'
import type { Json } from '../json.ts'
import { Outside, cut, plural } from './text.tsx'

const openLevels = 3 // deeper ones open on demand: 64 levels or 100,000 members cost nothing until looked at
const members = 60
const letters = 600

/** A JSON value to look into. */
export function Tree({ value, label }: { value: Json; label: string }) {
  return (
    <div class="tree" role="group" aria-label={label} tabIndex={0}>
      <Value value={value} level={0} />
    </div>
  )
}

function Value({ value, level, name }: { value: Json; level: number; name?: string }) {
  if (value !== null && typeof value === 'object') return <Members value={value} level={level} name={name} />
  return (
    <div class="leaf">
      {name !== undefined && <Name name={name} />}
      {typeof value === 'string' ? <Text text={value} /> : <span class={`literal ${value === null ? 'null' : typeof value}`}>{Object.is(value, -0) ? '0' : String(value)}</span>}
    </div>
  )
}

function Name({ name }: { name: string }) {
  return <span class="name"><Outside text={cut(name, 120)} /></span>
}

function Text({ text }: { text: string }) {
  const [shown, setShown] = useState(letters)
  if (text === '') return <span class="literal null">empty text</span>
  return (
    <span class="literal string">
      <Outside text={cut(text, shown)} />
      {text.length > shown && (
        <button type="button" class="more" onClick={() => setShown(shown + 20_000)}>
          {plural(text.length - shown, 'more character')}
        </button>
      )}
    </span>
  )
}

function Members({ value, level, name }: { value: Json[] | { [k: string]: Json }; level: number; name?: string | undefined }) {
  const list = Array.isArray(value)
  const names = list ? value : Object.keys(value)
  const count = names.length
  const [open, setOpen] = useState(level < openLevels && (level === 0 || count <= 20))
  const [shown, setShown] = useState(members)
  const id = useId()
  const what = list ? plural(count, 'item') : plural(count, 'member')
  if (count === 0) {
    return (
      <div class="leaf">
        {name !== undefined && <Name name={name} />}
        <span class="literal null">{list ? 'empty list' : 'empty object'}</span>
      </div>
    )
  }
  const entries = list
    ? value.slice(0, shown).map((v, i) => [String(i + 1), v] as const)
    : (names as string[]).slice(0, shown).map(k => [k, (value as { [k: string]: Json })[k] as Json] as const)
  const inside = (
    <div class={`members ${level === 0 ? 'top' : ''} ${list ? 'numbered' : ''}`} id={id}>
      {entries.map(([k, v]) => <Value key={k} name={k} value={v} level={level + 1} />)}
      {count > shown && (
        <button type="button" class="more" onClick={() => setShown(shown + 10 * members)}>
          {plural(count - shown, 'more', 'more')}
        </button>
      )}
    </div>
  )
  if (level === 0) return inside
  return (
    <div class="branch">
      <button type="button" class="branch-title" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        <span class="chevron" aria-hidden="true" />
        {name !== undefined && <Name name={name} />}
        <span class="count">{what}</span>
      </button>
      {open && inside}
    </div>
  )
}
