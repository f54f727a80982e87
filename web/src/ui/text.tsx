import type { ComponentChildren } from 'preact'

export { cut } from './cut.ts'

// Characters that a reader cannot see, or that reorder what stands around
// them. A zero-width joiner between emoji is what it is for and stays.
const unseen =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\u{e0000}-\u{e0fff}]|(?<!\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})\u200d/gu

/** A text cut into what can be shown as it is and what has to be named. */
export function* segments(text: string): Generator<{ text: string; hidden: boolean }> {
  let from = 0
  for (const m of text.matchAll(unseen)) {
    if (m.index > from) yield { text: text.slice(from, m.index), hidden: false }
    yield { text: `U+${m[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`, hidden: true }
    from = m.index + m[0].length
  }
  if (from < text.length) yield { text: text.slice(from), hidden: false }
}

/**
 * A text from outside. It becomes text nodes and nothing else; it cannot
 * reorder, paint over or push aside what stands around it, whatever the fonts
 * make of it, and what is invisible in it is named.
 */
export function Outside({ text, class: className }: { text: string; class?: string }) {
  const children: ComponentChildren[] = []
  let marks = 0
  for (const s of segments(text)) {
    // A text of nothing but marks is not worth thousands of elements.
    if (s.hidden && ++marks > 200) {
      children.push(<span class="unseen">…</span>)
      break
    }
    children.push(s.hidden ? <span class="unseen">{s.text}</span> : s.text)
  }
  return (
    <bdi dir="auto" class={`outside ${className ?? ''}`}>
      <span>{children}</span>
    </bdi>
  )
}

/** Seconds since 1970 as a person reads them; far-off ones stay a number. */
export function time(seconds: number): string {
  const d = new Date(seconds * 1000)
  if (!Number.isFinite(d.getTime()) || d.getUTCFullYear() > 9999) return `${seconds} s after 1970`
  return d.toISOString().slice(0, 19).replace('T', ' ') + ' UTC'
}

const steps: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, 'second'], [60, 'minute'], [24, 'hour'], [30.44, 'day'], [12, 'month'], [1000, 'year'],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

export function ago(seconds: number, now = Date.now() / 1000): string {
  let n = seconds - now
  if (Math.abs(n) < 5) return 'just now'
  for (const [size, unit] of steps) {
    if (Math.abs(n) < size) return relative.format(Math.round(n), unit)
    n /= size
  }
  return time(seconds)
}

export function Time({ seconds }: { seconds: number }) {
  return <span title={time(seconds)}>{ago(seconds)}</span>
}

export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  if (bytes < 1 << 20) return `${(bytes / 1024).toFixed(1)} KiB`
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`
}

export const plural = (n: number, one: string, many = one + 's') => `${n.toLocaleString('en')} ${n === 1 ? one : many}`
