import { useEffect, useState } from 'preact/hooks'
import type { Json, JsonObject } from '../json.ts'
import { Icon } from '../ui/parts.tsx'
import { Outside } from '../ui/text.tsx'
import type { Field } from './fields.ts'
import { readNumber } from './number.ts'
import { Texts } from './texts.tsx'

interface Line {
  name: string
  text: string // of a number
  texts: string[]
}

/** An object whose member names are the author's own, line by line. */
export function Table({ field, value, change, wrong }: { field: Extract<Field, { kind: 'table' }>; value: JsonObject; change: (v: JsonObject | undefined) => void; wrong: (message: string) => void }) {
  const numbers = field.of === 'number'
  const linesOf = (v: JsonObject): Line[] => Object.entries(v).map(([name, item]) => ({ name, text: numbers ? String(item) : '', texts: numbers ? [] : (item as string[]) }))
  const [lines, setLines] = useState(() => ({ of: JSON.stringify(value), lines: linesOf(value) }))
  const now = JSON.stringify(value)
  const shown = lines.of === now ? lines.lines : linesOf(value) // changed in the JSON view: it wins
  useEffect(() => () => wrong(''), [])

  const fault = (all: Line[]): string => {
    const names = new Set<string>()
    for (const l of all) {
      if (names.has(l.name)) return `“${l.name}” is there twice.`
      names.add(l.name)
      if (l.name === '') return `A line has no ${field.key}.`
      const n = numbers ? readNumber(l.text) : undefined
      if (n && 'error' in n) return `${l.name}: ${n.error}`
    }
    return ''
  }
  const write = (all: Line[]) => {
    const message = fault(all)
    wrong(message)
    if (message !== '') {
      setLines({ of: now, lines: all })
      return
    }
    const v: JsonObject = Object.fromEntries(all.map(l => [l.name, (numbers ? Number(l.text.trim()) : l.texts) as Json]))
    setLines({ of: JSON.stringify(v), lines: all })
    change(all.length > 0 ? v : undefined)
  }
  const edit = (i: number, part: Partial<Line>) => write(shown.map((l, j) => (j === i ? { ...l, ...part } : l)))
  const message = fault(shown)

  return (
    <>
      {shown.map((l, i) => (
        <div class={`item ${numbers ? 'pair' : ''}`} key={i} role="group" aria-label={`${field.key} ${i + 1}`}>
          <div class="field">
            <label>
              {field.key}
              <input autocomplete="off" value={l.name} onInput={e => edit(i, { name: e.currentTarget.value })} />
            </label>
          </div>
          {numbers ? (
            <div class="field">
              <label>
                {field.item}
                <input inputMode="decimal" autocomplete="off" value={l.text} onInput={e => edit(i, { text: e.currentTarget.value })} />
              </label>
            </div>
          ) : (
            <Texts items={l.texts} item="entry" label={`${field.item} ${i + 1}`} change={texts => edit(i, { texts })} />
          )}
          <button type="button" class="icon-button" aria-label={`Remove line ${i + 1}`} title={`Remove line ${i + 1}`} onClick={() => write(shown.filter((_, j) => j !== i))}>
            <Icon name="cross" />
          </button>
        </div>
      ))}
      {message && <p class="field-error"><Icon name="warn" /><Outside text={message} /></p>}
      <button type="button" class="button small add" onClick={() => write([...shown, { name: '', text: '0', texts: [] }])}>
        <Icon name="plus" /> Add a {field.key}
      </button>
    </>
  )
}
