import { Store } from './store.ts'

/**
 * Where the reader is. The address lives behind the #, so that any static
 * server can serve the page and what is looked at stays in the browser.
 */
export interface Route {
  view: 'explore' | 'sign' | 'event' | 'verify' | 'status' | 'nowhere'
  hash: string
  query: URLSearchParams
}

function parse(fragment: string): Route {
  const [path = '', query = ''] = fragment.replace(/^#\/?/, '').split('?', 2)
  const [view = '', hash = '', ...rest] = path.split('/')
  const route = (view: Route['view']): Route => ({ view, hash, query: new URLSearchParams(query) })
  if (rest.length > 0) return route('nowhere')
  switch (view) {
    case '':
    case 'explore':
      return route('explore')
    case 'sign':
    case 'verify':
    case 'status':
      return route(view)
    case 'event':
      return /^[0-9a-f]{64}$/.test(hash) ? route('event') : route('nowhere')
    default:
      return route('nowhere')
  }
}

export const route = new Store<Route>(parse(location.hash))

addEventListener('hashchange', () => route.set(parse(location.hash)))

export const eventAddress = (hash: string) => `#/event/${hash}`

export function exploreAddress(filters: Record<string, string>): string {
  const q = new URLSearchParams(Object.entries(filters).filter(([, v]) => v !== ''))
  return q.size > 0 ? `#/explore?${q}` : '#/explore'
}

export function goTo(address: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', address)
    route.set(parse(location.hash))
  } else {
    location.hash = address
  }
}
