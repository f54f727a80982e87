import { useEffect, useState } from 'preact/hooks'
import { anchoringOf, requestOf, type Anchoring, type SigningRequest } from '../esr.ts'
import type { AnchorRequest } from '../sdk.ts'
import { eventAddress } from '../router.ts'
import { Copy, Mono, Notice } from '../ui/parts.tsx'
import { Outside, plural } from '../ui/text.tsx'

/** What the request has in it, if that is nothing but anchoring by the contract on the chain. */
function anchorings(r: SigningRequest | undefined, chain: string, contract: string): Anchoring[] | undefined {
  if (r?.chain !== chain || r.actions.length === 0) return undefined
  const all = r.actions.map(a => (a.account === contract ? anchoringOf(a) : undefined))
  return all.every(a => a !== undefined) ? all : undefined
}

const most = 8

/** What a wallet is asked to sign: in words that were read from the very request, and as a link that opens it. */
export function Request({ request, chain, contract }: { request: AnchorRequest; chain: string; contract: string }) {
  const { uri } = request
  const [found, setFound] = useState<{ uri: string; request: SigningRequest | undefined }>()
  useEffect(() => {
    let over = false
    void requestOf(uri).then(r => over || setFound({ uri, request: r }))
    return () => void (over = true)
  }, [uri])
  if (found?.uri !== uri) return null
  const actions = anchorings(found.request, chain, contract)
  if (!found.request || !actions) {
    return <Notice tone="bad" title="The host’s request to sign is not one for its anchor."><p>It asks for something else than to put a head or events on this chain. Do not sign it.</p></Notice>
  }
  return (
    <section class="sub" aria-labelledby={`sign-${request.kind}`}>
      <h3 id={`sign-${request.kind}`}>To be signed in a wallet</h3>
      <ul class="plain">{actions.slice(0, most).map(a => <li key={String(a.number)}><Words a={a} /></li>)}</ul>
      {actions.length > most && <p class="fine">And {plural(actions.length - most, 'event')} more.</p>}
      <p class="fine">Signed as <span class="mono"><Outside text={found.request.actions[0]!.authorization} /></span>. When the wallet has sent it, the host sees it on the chain by itself.</p>
      <div class="row wrap">
        <a class="button small primary" href={uri}>Sign in a wallet</a>
        <Copy text={uri} what="request for a wallet" label="Copy" />
      </div>
    </section>
  )
}

function Words({ a }: { a: Anchoring }) {
  return a.kind === 'head' ? (
    <>Head {a.number.toLocaleString('en')} of the contract: {a.size.toLocaleString('en')} {a.size === 1n ? 'event' : 'events'}, root <Mono text={a.root} what="root of the tree" short /></>
  ) : (
    <>Event {a.number.toLocaleString('en')} of the contract: type code {a.code}, hash <Mono text={a.hash} what="hash" short href={eventAddress(a.hash)} /></>
  )
}
