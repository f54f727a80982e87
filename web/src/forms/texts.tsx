import { Icon } from '../ui/parts.tsx'

/** Texts one below the other; writing into the last, empty one adds one. */
export function Texts({ items, item, label, mono = false, change }: { items: string[]; item: string; label: string; mono?: boolean; change: (items: string[]) => void }) {
  return (
    <ul class="texts">
      {[...items, ''].map((t, i) => (
        <li key={i}>
          <input
            aria-label={`${label}, ${item} ${i + 1}`} class={mono ? 'mono' : ''} spellcheck={!mono} autocomplete="off" value={t} placeholder={i === items.length ? `add a ${item}` : undefined}
            onInput={e => change([...items.slice(0, i), e.currentTarget.value, ...items.slice(i + 1)])}
            onBlur={e => e.currentTarget.value === '' && i < items.length && change([...items.slice(0, i), ...items.slice(i + 1)])}
          />
          {i < items.length && (
            <button type="button" class="icon-button" aria-label={`Remove ${item} ${i + 1}`} title={`Remove ${item} ${i + 1}`} onClick={() => change([...items.slice(0, i), ...items.slice(i + 1)])}>
              <Icon name="cross" />
            </button>
          )}
        </li>
      ))}
    </ul>
  )
}
