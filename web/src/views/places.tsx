import type { Place } from '../documents.ts'
import { Badge, Copy, type Tone } from '../ui/parts.tsx'
import { Outside } from '../ui/text.tsx'

const states: Record<Place['state'], [Tone, string]> = {
  stored: ['good', 'stored'],
  owed: ['quiet', 'on its way'],
  missing: ['bad', 'missing'],
  damaged: ['bad', 'damaged'],
  foreign: ['info', 'another signature'],
  absent: ['info', 'not here'],
}

/** Each replica with what is known of its copy. */
export function Places({ places }: { places: Place[] }) {
  if (places.length === 0) return null
  return (
    <ul class="places" aria-label="Places that hold the event">
      {places.map(p => {
        const [tone, words] = states[p.state]
        return (
          <li key={p.replica}>
            <div class="place-head">
              <strong><Outside text={p.replica} /></strong>
              <span class="fine"><Outside text={p.kind} />{!p.counts && ' · a cache, does not count'}</span>
              <Badge tone={p.error && p.state === 'owed' ? 'warn' : tone}>{p.error && p.state === 'owed' ? 'trying again' : words}</Badge>
            </div>
            {p.location && (
              <p class="location"><code class="mono"><Outside text={p.location} /></code><Copy text={p.location} what={`location in ${p.replica}`} /></p>
            )}
            {p.error && p.state !== 'stored' && <p class="fine"><Outside text={p.error} /></p>}
          </li>
        )
      })}
    </ul>
  )
}
