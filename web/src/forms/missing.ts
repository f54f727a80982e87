import { isObject, type Json } from '../json.ts'
import type { Field } from './fields.ts'

/** Labels of the fields that a reader would expect and that are not there. */
export function missing(fields: Field[], value: Json | undefined): string[] {
  const o = isObject(value) ? value : {}
  return fields.flatMap(f => {
    const v = Object.hasOwn(o, f.name) ? o[f.name] : undefined
    if (v === undefined || v === '') return f.optional ? [] : f.kind === 'group' ? missing(f.fields, {}) : [f.label]
    if (f.kind === 'group') return missing(f.fields, v)
    if (f.kind === 'list' && Array.isArray(v)) return v.flatMap((item, i) => missing(f.fields, item).map(m => `${m} of ${f.item} ${i + 1}`))
    return []
  })
}
