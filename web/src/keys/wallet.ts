import type { Signer } from '../seal.ts'
import { Store } from '../store.ts'

/**
 * A wallet that a browser extension brought into the page. README.md beside
 * package.json describes how a wallet makes itself known.
 */
export interface Wallet {
  name: string
  /** Asks the person for leave; resolves with the signer to use. */
  connect(): Promise<Signer>
}

export const wallets = new Store<Wallet[]>([])

function announced(e: Event): void {
  const w = (e as CustomEvent<unknown>).detail as Partial<Wallet> | null
  if (typeof w !== 'object' || w === null || typeof w.name !== 'string' || typeof w.connect !== 'function') return
  const name = w.name.slice(0, 40)
  const connect = w.connect.bind(w)
  wallets.update(list => (list.length < 8 && !list.some(o => o.name === name) ? [...list, { name, connect }] : list))
}

/** Listens for wallets and asks those that are there already to come forward. */
export function discover(): void {
  addEventListener('eventseal:wallet', announced)
  dispatchEvent(new Event('eventseal:discover'))
}
