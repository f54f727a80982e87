import type { Row } from '../checking.ts'
import { titleOf } from '../forms/types.ts'
import { explain } from '../refusals.ts'
import { eventAddress, exploreAddress } from '../router.ts'
import { Badge, Mono } from '../ui/parts.tsx'
import { Outside, Time, plural } from '../ui/text.tsx'

/** Events of a list, each with the page's own verdict. */
export function Rows({ rows, label }: { rows: Row[]; label: string }) {
  return (
    <ol class="rows" aria-label={label}>
      {rows.map((r, i) => <Line key={`${r.hash}${r.sequence ?? i}`} r={r} />)}
    </ol>
  )
}

function Line({ r }: { r: Row }) {
  if (r.missing) {
    return (
      <li class="row-line">
        <div class="row-top">
          <Mono text={r.hash} what="hash" short />
          {r.unasked ? <Badge tone="warn">not asked for</Badge> : <Badge tone="info">not on this host</Badge>}
        </div>
      </li>
    )
  }
  const title = titleOf(r.type) || 'Unreadable'
  const readable = /^[0-9a-f]{64}$/.test(r.hash)
  return (
    <li class={`row-line ${r.verdict.valid ? '' : 'invalid'}`}>
      <div class="row-top">
        {readable ? <a class="row-type" href={eventAddress(r.hash)}><Outside text={title} /></a> : <span class="row-type"><Outside text={title} /></span>}
        {r.gist && <span class="row-gist"><Outside text={r.gist} /></span>}
        {!r.verdict.valid ? <Badge tone="bad">invalid</Badge> : r.unasked ? <Badge tone="warn">not asked for</Badge> : <Badge tone="good">verified</Badge>}
      </div>
      {r.unasked && <p class="row-why">The host gave this event in an answer that it does not belong in.</p>}
      {!r.verdict.valid && <p class="row-why">{explain(r.verdict.code ?? 'internal').what} <code>{r.verdict.code}</code></p>}
      <div class="row-facts">
        <Mono text={r.hash} what="hash" short />
        <span class="by">by <a href={exploreAddress({ author: r.author })} title={`Events by ${r.author}`}><code class="mono"><Outside text={shortKey(r.author)} /></code></a></span>
        <Time seconds={r.createdAt} />
        {r.parents > 0 && <span>{plural(r.parents, 'parent')}</span>}
        {r.sequence !== undefined && <span class="sequence" title="Position in the host’s journal">№ {r.sequence.toLocaleString('en')}</span>}
      </div>
    </li>
  )
}

export function shortKey(key: string): string {
  return key.length > 24 ? `${key.slice(0, key.startsWith('PUB_') ? 13 : 9)}…${key.slice(-6)}` : key
}
