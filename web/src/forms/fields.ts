/** What a form asks for. A field's name is its member in the body. */
export type Field = { name: string; label: string; hint?: string; optional?: true } & (
  | { kind: 'text'; long?: true; example?: string }
  | { kind: 'number'; whole?: true }
  | { kind: 'date' }
  | { kind: 'event' } // the hash of another event
  | { kind: 'choice'; options: [string | number | boolean, string][] }
  | { kind: 'value' } // a text, a number, yes or no
  | { kind: 'texts'; item: string }
  | { kind: 'group'; fields: Field[] }
  | { kind: 'list'; item: string; fields: Field[] }
  | { kind: 'table'; item: string; of: 'number' | 'texts'; key: string } // an object with names of the author's own
)

type Extra = { hint?: string; optional?: true }

export const optional: Extra = { optional: true }
export const text = (name: string, label: string, o: Extra & { long?: true; example?: string } = {}): Field => ({ kind: 'text', name, label, ...o })
export const number = (name: string, label: string, o: Extra & { whole?: true } = {}): Field => ({ kind: 'number', name, label, ...o })
export const date = (name: string, label: string, o: Extra = {}): Field => ({ kind: 'date', name, label, ...o })
export const event = (name: string, label: string, o: Extra = {}): Field => ({ kind: 'event', name, label, ...o })
export const choice = (name: string, label: string, options: [string | number | boolean, string][], o: Extra = {}): Field => ({ kind: 'choice', name, label, options, ...o })
export const value = (name: string, label: string, o: Extra = {}): Field => ({ kind: 'value', name, label, ...o })
export const texts = (name: string, label: string, item: string, o: Extra = {}): Field => ({ kind: 'texts', name, label, item, ...o })
export const group = (name: string, label: string, fields: Field[], o: Extra = {}): Field => ({ kind: 'group', name, label, fields, ...o })
export const list = (name: string, label: string, item: string, fields: Field[], o: Extra = {}): Field => ({ kind: 'list', name, label, item, fields, ...o })
export const table = (name: string, label: string, key: string, item: string, of: 'number' | 'texts', o: Extra = {}): Field => ({ kind: 'table', name, label, key, item, of, ...o })
