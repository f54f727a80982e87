import * as seal from '../seal.ts'
import type { Signer } from '../seal.ts'
import { Store } from '../store.ts'
import * as vault from './vault.ts'
import type { Wallet } from './wallet.ts'

/** Who signs. The secret itself is in nobody's hands but this file's. */
export interface Author {
  publicKey: string
  from: 'memory' | 'vault' | 'wallet'
  name: string
}

export const author = new Store<Author | null>(null)
export const keptKeys = new Store<vault.Sealed[]>(vault.kept())

let secret: string | Signer | undefined

/** Makes a new key. It is gone with the page unless it is kept or written down. */
export function generate(): void {
  const pair = seal.generateKeyPair()
  secret = pair.privateKey
  author.set({ publicKey: pair.publicKey, from: 'memory', name: 'New key' })
}

/** Takes a private key; throws the module's refusal when it is none. */
export function take(privateKey: string): void {
  const publicKey = seal.publicKeyOf(privateKey)
  secret = privateKey
  author.set({ publicKey, from: 'memory', name: 'Imported key' })
}

export async function connect(wallet: Wallet): Promise<void> {
  const signer = await wallet.connect()
  const publicKey = seal.checkPublicKey(signer.publicKey)
  secret = { publicKey, signDigest: (hash, what) => signer.signDigest(hash, what) }
  author.set({ publicKey, from: 'wallet', name: wallet.name })
}

/** Keeps the key in this browser under a passphrase. */
export async function keep(name: string, passphrase: string): Promise<void> {
  const a = author.value
  if (!a || typeof secret !== 'string') throw new Error('There is no key to keep.')
  vault.keep(await vault.seal(secret, a.publicKey, name, passphrase))
  keptKeys.set(vault.kept())
  author.set({ ...a, from: 'vault', name })
}

export async function unlock(k: vault.Sealed, passphrase: string): Promise<void> {
  const privateKey = await vault.open(k, passphrase)
  if (seal.publicKeyOf(privateKey) !== k.publicKey) throw new vault.WrongPassphrase('another key')
  secret = privateKey
  author.set({ publicKey: k.publicKey, from: 'vault', name: k.name })
}

export function forget(publicKey: string): void {
  vault.drop(publicKey)
  keptKeys.set(vault.kept())
  if (author.value?.publicKey === publicKey && author.value.from === 'vault') put()
}

/** Puts the key away: the page cannot sign any more. */
export function put(): void {
  secret = undefined
  author.set(null)
}

/** For a backup on the author's own request; undefined for a wallet's key. */
export const reveal = (): string | undefined => (typeof secret === 'string' ? secret : undefined)

/** Signs what was created, with whatever the author signs with. */
export async function sign(created: seal.CreatedEvent): Promise<seal.SignedEvent> {
  if (secret === undefined) throw new Error('There is no key to sign with.')
  return typeof secret === 'string' ? seal.signEvent(created, secret) : seal.signEvent(created, secret)
}
