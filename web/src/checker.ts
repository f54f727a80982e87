import type { FromWorker, Inspection, Listing, Live, Proof, Task, ToWorker } from './checking.ts'
import { HostError } from './host.ts'
import { started } from './module.ts'
import type { ProofReport } from './sdk.ts'
import { scriptAddress } from './trusted.ts'
import workerAddress from './worker.ts?worker&url'

interface Waiting {
  resolve: (v: unknown) => void
  reject: (e: unknown) => void
  live?: (l: Live) => void
}

let worker: Worker | undefined
let loaded: Promise<unknown> = Promise.resolve()
let last = 0
const waiting = new Map<number, Waiting>()

const post = (m: ToWorker) => worker!.postMessage(m)

async function start(): Promise<void> {
  const { module, types } = await started()
  if (worker) return
  worker = new Worker(scriptAddress(workerAddress), { type: 'module', name: 'checker' })
  worker.onmessage = (e: MessageEvent<FromWorker>) => {
    const m = e.data
    const w = waiting.get(m.id)
    if (!w) return
    if ('live' in m) {
      w.live?.(m.live)
      return
    }
    waiting.delete(m.id)
    if ('failure' in m) w.reject(new HostError(m.failure, m.unreachable))
    else w.resolve(m.result)
  }
  worker.onerror = e => {
    e.preventDefault()
    // It died: whoever waits is told, and the next task starts another.
    worker?.terminate()
    worker = undefined
    for (const w of waiting.values()) w.reject(new HostError({ message: 'Checking stopped unexpectedly. Reload the page.' }))
    waiting.clear()
  }
  loaded = send({ kind: 'start', module, types })
  loaded.catch(() => undefined) // the tasks behind it fail with the same
}

function send(task: Task, signal?: AbortSignal, live?: (l: Live) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const id = ++last
    waiting.set(id, { resolve, reject, ...(live ? { live } : {}) })
    post({ id, task })
    signal?.addEventListener('abort', () => {
      if (!waiting.delete(id)) return
      if (worker) post({ id, cancel: true })
      reject(signal.reason)
    })
  })
}

async function run<T>(task: Task, signal?: AbortSignal, live?: (l: Live) => void): Promise<T> {
  await start()
  signal?.throwIfAborted()
  return (await send(task, signal, live)) as T
}

/** The events of a list endpoint, each checked and held against what path asks for. */
export const list = (path: string, signal?: AbortSignal) => run<Listing>({ kind: 'list', path }, signal)

/** What an event stands on: each checked, and named by its parents or by an ancestor before it. */
export const ancestors = (hash: string, parents: string[], signal?: AbortSignal) =>
  run<Listing>({ kind: 'list', path: `/v1/events/${hash}/ancestors?limit=50`, named: parents }, signal)

/** One event with every check made on it. */
export const inspect = (hash: string, signal?: AbortSignal) => run<Inspection>({ kind: 'inspect', hash }, signal)

/** The host's stream, each event checked, until signal ends. */
export const watch = (path: string, signal: AbortSignal, live: (l: Live) => void) => run<void>({ kind: 'watch', path }, signal, live)

/** An event's proof, fetched and verified; signal ends it. */
export const prove = (hash: string, signal?: AbortSignal) => run<Proof>({ kind: 'proof', hash }, signal)

/** What a proof file shows to who trusts keys. Asks nobody, once `ready` was. */
export const verify = (file: Uint8Array, keys: string, signal?: AbortSignal) => run<ProofReport>({ kind: 'verify', file, keys }, signal)

/** Resolves when the worker is there: from then on it needs no network for what is in the page. */
export async function ready(): Promise<void> {
  await start()
  await loaded
}
