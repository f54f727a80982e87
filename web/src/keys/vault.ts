/**
 * A private key under a passphrase: AES-256-GCM with a key that PBKDF2 makes
 * of the passphrase (HMAC-SHA-256; rounds as OWASP advises). The public key is
 * authenticated with it, so that one entry cannot pass for another.
 */
export interface Sealed {
  v: 1
  publicKey: string
  name: string
  rounds: number
  salt: string // base64, 16 bytes
  iv: string // base64, 12 bytes
  data: string // base64
}

const place = 'eventseal.keys'
const rounds = 600_000

export class WrongPassphrase extends Error {
  override name = 'WrongPassphrase'
}

/** Web Crypto is there on https:// and on this machine's own addresses only. */
export const available = (): boolean => globalThis.isSecureContext && globalThis.crypto?.subtle !== undefined

const encode = (b: Uint8Array) => btoa(String.fromCharCode(...b))
const decode = (s: string) => Uint8Array.from(atob(s), c => c.charCodeAt(0))
const utf8 = new TextEncoder()

async function keyOf(passphrase: string, salt: Uint8Array<ArrayBuffer>, n: number): Promise<CryptoKey> {
  // NFKC: the same passphrase from another keyboard is the same bytes.
  const material = await crypto.subtle.importKey('raw', utf8.encode(passphrase.normalize('NFKC')), 'PBKDF2', false, ['deriveKey'])
  return crypto.subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: n }, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

export async function seal(privateKey: string, publicKey: string, name: string, passphrase: string): Promise<Sealed> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const key = await keyOf(passphrase, salt, rounds)
  const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: utf8.encode(publicKey) }, key, utf8.encode(privateKey))
  return { v: 1, publicKey, name, rounds, salt: encode(salt), iv: encode(iv), data: encode(new Uint8Array(data)) }
}

/** Throws WrongPassphrase when it is that, or when the entry was changed. */
export async function open(s: Sealed, passphrase: string): Promise<string> {
  const key = await keyOf(passphrase, decode(s.salt), s.rounds)
  try {
    const data = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: decode(s.iv), additionalData: utf8.encode(s.publicKey) }, key, decode(s.data))
    return new TextDecoder().decode(data)
  } catch {
    throw new WrongPassphrase('wrong passphrase')
  }
}

function isSealed(v: unknown): v is Sealed {
  const s = v as Sealed
  return typeof v === 'object' && v !== null && s.v === 1 && [s.publicKey, s.name, s.salt, s.iv, s.data].every(t => typeof t === 'string') && Number.isSafeInteger(s.rounds) && s.rounds >= 1 && s.rounds <= 10_000_000
}

/** What is kept in this browser; what cannot be read is left out. */
export function kept(): Sealed[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(place) ?? '[]')
    return Array.isArray(list) ? list.filter(isSealed) : []
  } catch {
    return []
  }
}

/** Throws when the browser does not let the page keep anything. */
export function keep(s: Sealed): void {
  localStorage.setItem(place, JSON.stringify([...kept().filter(k => k.publicKey !== s.publicKey), s]))
}

export function drop(publicKey: string): void {
  localStorage.setItem(place, JSON.stringify(kept().filter(k => k.publicKey !== publicKey)))
}
