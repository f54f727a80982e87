import {
  EventSealError, EventTypes, canonicalize, createEvent, generateKeyPair, hashEvent, init, parsePublicKey, publicKeyOf, registerTypes, signEvent, verifyEvent,
  sha256, verifyMany, verifyProof as proofReport, verifyReceipt, type CreatedEvent, type ProofReport, type ReceiptVerdict, type SignedEvent, type Signer, type Verdict,
} from './sdk.ts'
import type { JsonObject } from './json.ts'
import type { Failure } from './ui/parts.tsx'

// The SDK as the page and its worker use it.

export { generateKeyPair, publicKeyOf, signEvent, type CreatedEvent, type SignedEvent, type Signer }

/** The most that any host can be set to take; each host says what it takes itself. */
const limit = { maxBytes: 4 << 20 }

/** What a host takes unless it is set otherwise. */
export const usualLimit = 256 << 10

/** Makes module the one that judges, and tells it of the types that the host has registered. */
export async function start(module: WebAssembly.Module, types: { name: string; code: number }[]): Promise<void> {
  await init(module)
  const further = types.filter(t => !Object.hasOwn(EventTypes, t.name))
  if (further.length > 0) registerTypes(further)
}

/** Creates an event of texts, or says why it cannot be. */
export function create(type: string, body: string, author: string, parents: string[], proofs: string | undefined, createdAt: number): CreatedEvent | Failure {
  try {
    return createEvent(type, body, author, parents, proofs, { createdAt, ...limit })
  } catch (e) {
    const failure = refusalOf(e)
    if (failure) return failure
    throw e
  }
}

export type Judged = { valid: true; hash: string } | { valid: false; code: string; pointer: string }

const judged = (v: Verdict): Judged => (v.valid ? { valid: true, hash: v.hash } : { valid: false, code: v.code, pointer: v.pointer })

/** Judges a signed event. */
export const verify = (event: string | Uint8Array): Judged => judged(verifyEvent(event, limit))

/** Judges signed events, in their order. */
export const verifyAll = (events: string[]): Judged[] => verifyMany(events, limit).map(judged)

/** What a proof file shows to who trusts keys; throws the module's refusal of these. */
export const verifyProof = (file: Uint8Array, keys = ''): ProofReport => proofReport(file, { ...limit, keys })

/** A host's promise, whose signature is right. */
export interface Promised {
  key: string
  origin: string
  sequence: number
}

/** Judges a host's signed receipt for an event; keys are the host's, as it tells them. */
export function promised(receipt: JsonObject, { hash, record }: { hash: string; record: string }, keys: string): Promised | Failure {
  let v: ReceiptVerdict
  try {
    v = verifyReceipt(receipt, { keys })
  } catch (e) {
    const failure = refusalOf(e) // of what the host says are its keys
    if (failure) return failure
    throw e
  }
  if (!v.valid) return { code: v.code, message: v.message, pointer: v.pointer || undefined }
  if (v.hash !== hash) return { code: 'proof_mismatch', message: '' }
  if (v.recordDigest !== sha256(record)) return { message: 'The host’s receipt is for another record of this event: the same contents under another signature.' }
  return { key: v.key, origin: v.origin, sequence: v.sequence }
}

/** Hash and preimage of an event, signed or not; throws the module's refusal. */
export function name(event: string): { hash: string; preimage: string } {
  const hash = hashEvent(event, limit)
  // Read strictly by now, so that reading it again can lose nothing.
  const members = Object.entries(JSON.parse(event) as object).filter(([k]) => k !== 'sig')
  return { hash, preimage: canonicalize(JSON.stringify(Object.fromEntries(members))) }
}

/** The RFC 8785 form of a JSON text. */
export const canonical = (text: string): string => canonicalize(text)

/** A public key in its new spelling; throws the module's refusal. */
export const checkPublicKey = (key: string): string => parsePublicKey(key).text

/** What a person is told of a refusal; undefined for other errors. */
export function refusalOf(e: unknown): Failure | undefined {
  return e instanceof EventSealError ? { code: e.code, message: e.message, pointer: e.pointer || undefined, detail: e.detail || undefined } : undefined
}

export const hex = (b: Uint8Array): string => Array.from(b, x => x.toString(16).padStart(2, '0')).join('')
