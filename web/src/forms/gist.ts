import { isObject, valueAt, type Json } from '../json.ts'
import { cut } from '../ui/cut.ts'
import { forms } from './types.ts'

/** What an event is about, in one short line; '' where nothing says it. */
export function gist(type: string, body: Json): string {
  for (const paths of Object.hasOwn(forms, type) ? forms[type]!.gist : []) {
    const words = paths.split(' ').flatMap(path => said(path, valueAt(body, path.split('.'))))
    if (words.length > 0) return line(words.join(' · '))
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

function said(path: string, v: Json | undefined): string[] {
  if (typeof v === 'number' || typeof v === 'boolean') return [String(v)]
  if (typeof v !== 'string' || v === '') return []
  return [(path === 'target' || path === 'claim') && v.length > 20 ? `→ ${v.slice(0, 8)}…${v.slice(-6)}` : v.slice(0, 400)]
}

const line = (s: string) => cut(s.slice(0, 400).replace(/\s+/g, ' ').trim(), 140)
