import type { Json } from './json.ts'
import type { ProofReport } from './sdk.ts'
import type { Failure } from './ui/parts.tsx'

// What the page and its worker say to each other.

export interface Verdict {
  valid: boolean
  code?: string
  pointer?: string
}

/** One event of a list: little enough to show thousands, checked in the worker. */
export interface Row {
  hash: string // that the host gave it
  sequence?: number
  position?: string // of it in the host's order, to go on after
  admittedAt?: string
  verdict: Verdict
  type: string
  author: string
  createdAt: number
  parents: number
  gist: string
  depth?: number // of an ancestor
  missing?: boolean
  /** It is valid, but not what was asked for: another type, author, parent or time, or nobody's ancestor. */
  unasked?: boolean
}

export interface Listing {
  rows: Row[]
  epoch: string // names the order that sequence numbers are in; '': it does not say
  next?: string
  truncated?: boolean
}

/** One step of checking an event, in the order in which they are made. */
export interface Check {
  name: 'form' | 'canonical' | 'hash' | 'sha256' | 'signature'
  state: 'passed' | 'failed' | 'skipped'
  code?: string
  pointer?: string
}

export interface Inspection {
  hash: string
  verdict: Verdict
  checks: Check[]
  took: number // milliseconds
  bytes: number
  record: string
  preimage?: string
  computed?: string // hash of what was received
  event?: Json // undefined: not JSON
}

/** A proof file that the host served, and what it shows. */
export interface Proof {
  file: Uint8Array<ArrayBuffer>
  report: ProofReport
}

export type Task =
  | { kind: 'start'; module: WebAssembly.Module; types: { name: string; code: number }[] }
  | { kind: 'list'; path: string; named?: string[] }
  | { kind: 'inspect'; hash: string }
  | { kind: 'watch'; path: string }
  | { kind: 'proof'; hash: string }
  | { kind: 'verify'; file: Uint8Array; keys: string }

export type ToWorker = { id: number; task: Task } | { id: number; cancel: true }

export type Live = { rows: Row[] } | { connected: boolean } | { dropped: string } | { moved: true }

export type FromWorker =
  | { id: number; result: unknown }
  | { id: number; failure: Failure; unreachable: boolean }
  | { id: number; live: Live }
