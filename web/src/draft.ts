import { isObject, withValue, type JsonObject } from './json.ts'
import * as seal from './seal.ts'
import { Store } from './store.ts'
import type { Failure } from './ui/parts.tsx'

/**
 * An event being written. The texts are what counts: what the module is shown
 * is exactly what stands in them. The objects are the same, for the forms.
 */
export interface Draft {
  type: string
  body: Written
  proofs: Written // an empty text: the event has no proofs member
  parents: string[]
  createdAt: number
  clock: boolean // created_at follows the edits
  wrong: Record<string, string> // fields whose text is not a value, by their path
}

export interface Written {
  text: string
  value: JsonObject | null // null: the text is not (yet) one JSON object
  fault?: string // of the JSON view
}

const now = () => Math.floor(Date.now() / 1000)
const empty: Written = { text: '{}', value: {} }
const none: Written = { text: '', value: {} }

export const fresh = (type: string): Draft => ({ type, body: empty, proofs: none, parents: [], createdAt: now(), clock: true, wrong: {} })

export const draft = new Store<Draft>(fresh('CREATE_RELEASE_BUNDLE'))

const bodies = new Map<string, Written>()

/** Goes on with another type; what was written under this one is there when one comes back. */
export function chooseType(type: string): void {
  const d = draft.value
  bodies.set(d.type, d.body)
  const wrong = Object.fromEntries(Object.entries(d.wrong).filter(([k]) => !k.startsWith('body/')))
  edit({ type, body: bodies.get(type) ?? empty, wrong })
}

/** Every change goes through here, so that the clock follows. */
export function edit(part: Partial<Draft>): void {
  draft.update(d => ({ ...d, ...(d.clock ? { createdAt: now() } : {}), ...part }))
}

const written = (value: JsonObject): Written => ({ text: JSON.stringify(value, null, 2), value })

export function setIn(which: 'body' | 'proofs', path: (string | number)[], value: Parameters<typeof withValue>[2]): void {
  const old = draft.value[which].value ?? {}
  const next = withValue(old, path, value)
  edit({ [which]: which === 'proofs' && Object.keys(next).length === 0 ? none : written(next) })
}

export function setWrong(key: string, message: string): void {
  draft.update(d => {
    if ((d.wrong[key] ?? '') === message) return d
    const { [key]: _, ...rest } = d.wrong
    return { ...d, wrong: message === '' ? rest : { ...rest, [key]: message } }
  })
}

/** Takes the text of the JSON view. */
export function setText(which: 'body' | 'proofs', text: string): void {
  edit({ [which]: read(text, which === 'proofs') })
}

export function read(text: string, mayBeEmpty: boolean): Written {
  if (mayBeEmpty && text.trim() === '') return { text: '', value: {} }
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? { text, value } : { text, value: null, fault: 'This must be one object, in { }.' }
  } catch (e) {
    return { text, value: null, fault: where(text, e) }
  }
}

/** Says where JSON text breaks, by line and column. */
function where(text: string, e: unknown): string {
  const at = /position (\d+)/.exec(e instanceof Error ? e.message : '')
  if (!at) return text.trim() === '' ? 'This must be one object, in { }.' : 'This is not valid JSON: it ends too early, or a sign is out of place.'
  const before = text.slice(0, Number(at[1])).split('\n')
  return `This is not valid JSON: look at line ${before.length}, column ${before[before.length - 1]!.length + 1}.`
}

export function start(type: string, body: JsonObject, proofs: JsonObject | undefined, parents: string[]): void {
  draft.set({ ...fresh(type), body: written(body), proofs: proofs ? written(proofs) : none, parents })
}

export type Preview = { created: seal.CreatedEvent } | { failure: Failure } | { waiting: string }

/** What would be signed, made of the very texts that are shown; or why nothing can be. */
export function preview(d: Draft, author: string | undefined): Preview {
  if (d.body.value === null) return { failure: { message: `The body cannot be read. ${d.body.fault ?? ''}` } }
  if (d.proofs.value === null) return { failure: { message: `The proofs cannot be read. ${d.proofs.fault ?? ''}` } }
  const wrong = Object.values(d.wrong)[0]
  if (wrong !== undefined) return { failure: { message: `A field is not right yet. ${wrong}` } }
  if (author === undefined) return { waiting: 'Choose a key: its public half is part of what is signed.' }
  const proofs = d.proofs.text.trim() === '' ? undefined : d.proofs.text
  const made = seal.create(d.type, d.body.text, author, d.parents, proofs, d.createdAt)
  return 'hash' in made ? { created: made } : { failure: made }
}
