import { isObject, valueAt, type Json } from '../json.ts'
import { cut } from '../ui/cut.ts'
import { forms } from './types.ts'

/** What an event is about, in one short line; '' where nothing says it. */
export function gist(type: string, body: Json): string {
  for (const path of (Object.hasOwn(forms, type) ? forms[type]!.gist : [])) {
    const v = valueAt(body, path.split('.'))
    if (typeof v === 'string' || typeof v === 'number') return line(path === 'target' || path === 'claim' ? '→ ' + String(v).slice(0, 8) + '…' + String(v).slice(-6) : String(v))
  }
  if (isObject(body)) {
    let looked = 0
    for (const v of Object.values(body)) {
      if (typeof v === 'string' && v !== '') return line(v)
      if (++looked === 50) break
    }
  }
  return ''
}

const line = (s: string) => cut(s.slice(0, 400).replace(/\s+/g, ' ').trim(), 140)
