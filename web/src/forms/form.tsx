import type { ComponentChildren } from 'preact'
import { useEffect, useId, useState } from 'preact/hooks'
import { isObject, valueAt, type Json, type JsonObject, type Path } from '../json.ts'
import { Field as Labelled, Icon } from '../ui/parts.tsx'
import type { Field } from './fields.ts'
import { readNumber } from './number.ts'
import { Table } from './table.tsx'
import { Texts } from './texts.tsx'

/** What a form's parts share: the object being edited and how to change it. */
export interface Editing {
  root: JsonObject
  set: (path: Path, value: Json | undefined) => void
  /** Told of a field whose text is not (yet) a value; '' when it is one. */
  wrong: (path: Path, message: string) => void
  parents: string[]
  addParent: (hash: string) => void
}

export function Fields({ fields, path, editing }: { fields: Field[]; path: Path; editing: Editing }) {
  return (
    <>
      {fields.map(f => <Part key={f.name} field={f} path={[...path, f.name]} editing={editing} />)}
    </>
  )
}

interface PartProps<K extends Field['kind'] = Field['kind']> {
  field: Extract<Field, { kind: K }>
  path: Path
  editing: Editing
}

function Part({ field, path, editing }: PartProps) {
  const value = valueAt(editing.root, path)
  if (value !== undefined && !fits(field, value)) return <Misfit field={field} />
  const props = { path, editing }
  switch (field.kind) {
    case 'text':
      return <TextPart field={field} {...props} />
    case 'number':
      return <NumberPart field={field} {...props} />
    case 'date':
      return <DatePart field={field} {...props} />
    case 'event':
      return <EventPart field={field} {...props} />
    case 'choice':
      return <ChoicePart field={field} {...props} />
    case 'value':
      return <ValuePart field={field} {...props} />
    case 'texts':
      return <TextsPart field={field} {...props} />
    case 'group':
      return <Group legend={field.label} optional={field.optional}><Fields fields={field.fields} path={path} editing={editing} /></Group>
    case 'list':
      return <ListPart field={field} {...props} />
    case 'table':
      return (
        <Group legend={field.label} optional={field.optional}>
          <Table key={path.join('/')} field={field} value={isObject(value) ? value : {}} change={v => editing.set(path, v)} wrong={m => editing.wrong(path, m)} />
        </Group>
      )
  }
}

function fits(field: Field, v: Json): boolean {
  switch (field.kind) {
    case 'text':
    case 'event':
      return typeof v === 'string' || v === null
    case 'date':
      return v === null || (typeof v === 'string' && /^\d{4}-\d\d-\d\d$/.test(v))
    case 'number':
      return typeof v === 'number'
    case 'choice':
      return field.options.some(([o]) => o === v)
    case 'value':
      return v === null || typeof v !== 'object'
    case 'texts':
      return Array.isArray(v) && v.every(i => typeof i === 'string')
    case 'list':
      return Array.isArray(v) && v.every(isObject)
    case 'group':
      return isObject(v)
    case 'table':
      return isObject(v) && Object.values(v).every(i => (field.of === 'number' ? typeof i === 'number' : Array.isArray(i) && i.every(t => typeof t === 'string')))
  }
}

/** A value that the JSON view gave and this form has no field for. */
function Misfit({ field }: { field: Field }) {
  return (
    <div class="field">
      <span class="label">{field.label}</span>
      <p class="hint">This holds something that the form does not show. Edit it as JSON.</p>
    </div>
  )
}

export function Group({ legend, optional, children }: { legend: string; optional?: boolean | undefined; children: ComponentChildren }) {
  return (
    <fieldset class="group">
      <legend>
        {legend}
        {optional && <span class="optional"> optional</span>}
      </legend>
      {children}
    </fieldset>
  )
}

const textAt = (e: Editing, path: Path) => {
  const v = valueAt(e.root, path)
  return typeof v === 'string' ? v : ''
}

function TextPart({ field, path, editing }: PartProps<'text'>) {
  const change = (text: string) => editing.set(path, text === '' ? undefined : text)
  return (
    <Labelled label={field.label} hint={field.hint} optional={field.optional}>
      {({ id, describedBy }) =>
        field.long ? (
          <textarea id={id} rows={4} aria-describedby={describedBy} value={textAt(editing, path)} onInput={e => change(e.currentTarget.value)} />
        ) : (
          <input id={id} aria-describedby={describedBy} placeholder={field.example} autocomplete="off" value={textAt(editing, path)} onInput={e => change(e.currentTarget.value)} />
        )}
    </Labelled>
  )
}

function DatePart({ field, path, editing }: PartProps<'date'>) {
  return (
    <Labelled label={field.label} hint={field.hint} optional={field.optional}>
      {({ id, describedBy }) => (
        <input id={id} type="date" aria-describedby={describedBy} value={textAt(editing, path)} onInput={e => editing.set(path, e.currentTarget.value || undefined)} />
      )}
    </Labelled>
  )
}

/** A text that becomes a value of another kind, or a message of why not. */
function useDraft(current: string, path: Path, editing: Editing, read: (text: string) => string) {
  const [draft, setDraft] = useState<{ text: string; of: string; error: string }>({ text: current, of: current, error: '' })
  // The value changed elsewhere, in the JSON view for example: it wins.
  const stale = draft.error === '' && draft.of !== current
  const key = path.join('/')
  useEffect(() => () => editing.wrong(path, ''), [key])
  return {
    text: stale ? current : draft.text,
    error: stale ? '' : draft.error,
    write(text: string, now: () => string) {
      const error = read(text)
      editing.wrong(path, error)
      setDraft({ text, error, of: error === '' ? now() : current })
    },
  }
}

function NumberPart({ field, path, editing }: PartProps<'number'>) {
  const v = valueAt(editing.root, path)
  const draft = useDraft(typeof v === 'number' ? String(v) : '', path, editing, text => {
    if (text.trim() === '') {
      editing.set(path, undefined)
      return ''
    }
    const n = readNumber(text, field.whole)
    if ('error' in n) return n.error
    editing.set(path, n.value)
    return ''
  })
  return (
    <Labelled label={field.label} hint={field.hint} error={draft.error || undefined} optional={field.optional}>
      {({ id, describedBy, invalid }) => (
        <input
          id={id} inputMode="decimal" autocomplete="off" class="narrow" aria-describedby={describedBy} aria-invalid={invalid} value={draft.text}
          onInput={e => {
            const text = e.currentTarget.value
            const n = readNumber(text)
            draft.write(text, () => ('value' in n ? String(n.value) : ''))
          }}
        />
      )}
    </Labelled>
  )
}

function EventPart({ field, path, editing }: PartProps<'event'>) {
  const hash = textAt(editing, path)
  const draft = useDraft(hash, path, editing, text => {
    if (text === '' || /^[0-9a-f]{64}$/.test(text)) {
      editing.set(path, text === '' ? undefined : text)
      return ''
    }
    return 'A hash has 64 digits, 0–9 and a–f.'
  })
  const known = /^[0-9a-f]{64}$/.test(hash)
  return (
    <Labelled label={field.label} hint={field.hint ?? 'The hash of an event'} error={draft.error || undefined} optional={field.optional}>
      {({ id, describedBy, invalid }) => (
        <>
          <input
            id={id} class="mono" spellcheck={false} autocomplete="off" aria-describedby={describedBy} aria-invalid={invalid} value={draft.text}
            onInput={e => {
              const text = e.currentTarget.value.trim().toLowerCase()
              draft.write(text, () => text)
            }}
          />
          {known && !draft.error && !editing.parents.includes(hash) && (
            <button type="button" class="link" onClick={() => editing.addParent(hash)}>
              Make it a parent too, so that this event joins its thread
            </button>
          )}
        </>
      )}
    </Labelled>
  )
}

function ChoicePart({ field, path, editing }: PartProps<'choice'>) {
  const at = field.options.findIndex(([o]) => o === valueAt(editing.root, path))
  return (
    <Labelled label={field.label} hint={field.hint} optional={field.optional}>
      {({ id, describedBy }) => (
        <select id={id} aria-describedby={describedBy} value={String(at)} onInput={e => editing.set(path, field.options[Number(e.currentTarget.value)]?.[0])}>
          <option value="-1">choose…</option>
          {field.options.map(([, name], i) => <option key={i} value={String(i)}>{name}</option>)}
        </select>
      )}
    </Labelled>
  )
}

type Kind = 'text' | 'number' | 'yes' | 'null'
const kindOf = (v: Json | undefined): Kind => (typeof v === 'number' ? 'number' : typeof v === 'boolean' ? 'yes' : v === null ? 'null' : 'text')

function ValuePart({ field, path, editing }: PartProps<'value'>) {
  const v = valueAt(editing.root, path)
  const [chosen, choose] = useState<Kind>(kindOf(v))
  const kind = v === undefined ? chosen : kindOf(v)
  const id = useId()
  const turn = (to: Kind) => {
    choose(to)
    editing.set(path, to === 'yes' ? true : to === 'null' ? null : undefined)
  }
  return (
    <div class="pair value-pair">
      {kind === 'number' ? (
        <NumberPart field={{ kind: 'number', name: field.name, label: field.label, ...(field.optional ? { optional: true as const } : {}) }} path={path} editing={editing} />
      ) : kind === 'yes' ? (
        <ChoicePart field={{ kind: 'choice', name: field.name, label: field.label, options: [[true, 'yes'], [false, 'no']] }} path={path} editing={editing} />
      ) : kind === 'null' ? (
        <div class="field"><span class="label">{field.label}</span><p class="hint">nothing (null)</p></div>
      ) : (
        <TextPart field={{ kind: 'text', name: field.name, label: field.label, ...(field.optional ? { optional: true as const } : {}) }} path={path} editing={editing} />
      )}
      <div class="field kind">
        <label for={id}>Kind<span class="unseen-text"> of {field.label}</span></label>
        <select id={id} value={kind} onInput={e => turn(e.currentTarget.value as Kind)}>
          <option value="text">text</option>
          <option value="number">number</option>
          <option value="yes">yes / no</option>
          <option value="null">nothing</option>
        </select>
      </div>
    </div>
  )
}

function TextsPart({ field, path, editing }: PartProps<'texts'>) {
  const v = valueAt(editing.root, path)
  return (
    <Group legend={field.label} optional={field.optional}>
      {field.hint && <p class="hint">{field.hint}</p>}
      <Texts items={Array.isArray(v) ? (v as string[]) : []} item={field.item} label={field.label} change={items => editing.set(path, items.length > 0 ? items : undefined)} />
    </Group>
  )
}

function ListPart({ field, path, editing }: PartProps<'list'>) {
  const v = valueAt(editing.root, path)
  const items = Array.isArray(v) ? v : []
  return (
    <Group legend={field.label} optional={field.optional}>
      {items.map((_, i) => (
        <div class="item" key={i} role="group" aria-label={`${field.item} ${i + 1}`}>
          <div class="item-head">
            <span>{field.item} {i + 1}</span>
            <button type="button" class="icon-button" aria-label={`Remove ${field.item} ${i + 1}`} title={`Remove ${field.item} ${i + 1}`} onClick={() => editing.set([...path, i], undefined)}>
              <Icon name="cross" />
            </button>
          </div>
          <Fields fields={field.fields} path={[...path, i]} editing={editing} />
        </div>
      ))}
      <button type="button" class="button small add" onClick={() => editing.set([...path, items.length], {})}>
        <Icon name="plus" /> Add {/^[aeiou]/.test(field.item) ? 'an' : 'a'} {field.item}
      </button>
    </Group>
  )
}
