import { useState } from 'preact/hooks'
import { Copy } from './parts.tsx'
import { Outside, cut, size } from './text.tsx'

const first = 1500
const step = 20_000

/** The exact text that is hashed. A long one is shown piece by piece. */
export function Bytes({ text, label, what }: { text: string; label: string; what: string }) {
  const [shown, setShown] = useState(first)
  const bytes = new TextEncoder().encode(text).length
  return (
    <div class="bytes">
      <div class="bytes-head">
        <span>{label}</span>
        <span class="fine">{size(bytes)}</span>
        <Copy text={text} what={what} label="Copy" />
      </div>
      <pre tabIndex={0} role="region" aria-label={label}>
        <Outside text={cut(text, shown)} />
      </pre>
      {text.length > shown && (
        <button type="button" class="more" onClick={() => setShown(shown + step)}>
          Show more ({size(bytes)} in all)
        </button>
      )}
    </div>
  )
}
