import { HostError, ask, askJson, failureOf } from './host.ts'
import * as seal from './seal.ts'
import { Store } from './store.ts'
import type { Failure } from './ui/parts.tsx'

/** The module that decides what is valid, as the page runs it. */
export interface ModuleState {
  state: 'loading' | 'ready' | 'failed'
  /** Digest of the bytes that run here; undefined where the browser cannot compute it. */
  digest?: string | undefined
  /** Digest of what the host says that it runs; undefined where it does not say. */
  hosts?: string | undefined
  size?: number
  failure?: Failure
}

export const moduleState = new Store<ModuleState>({ state: 'loading' })

export interface EventType {
  name: string
  code: number
}

export interface Started {
  module: WebAssembly.Module
  types: EventType[]
}

export const eventTypes = new Store<EventType[]>([])

let starting: Promise<Started> | undefined

/** Loads the module once; after a failure the next call tries again. */
export function started(): Promise<Started> {
  starting ??= start().catch((e: unknown) => {
    starting = undefined
    moduleState.set({ state: 'failed', failure: failureOf(e) })
    throw e
  })
  return starting
}

async function start(): Promise<Started> {
  const [bytes, answer, health] = await Promise.all([
    ask('/v1/module.wasm', { most: 8 << 20 }),
    askJson<{ types?: unknown }>('/v1/types'),
    askJson<{ module?: { sha256?: unknown } }>('/v1/health', { accept: [503] }),
  ])
  const subtle = globalThis.crypto?.subtle
  const digest = subtle ? seal.hex(new Uint8Array(await subtle.digest('SHA-256', bytes))) : undefined
  const said = health.module?.sha256
  const hosts = typeof said === 'string' ? said : undefined
  if (digest !== undefined && hosts !== undefined && digest !== hosts) {
    throw new HostError({ message: 'The module that arrived is not the one that the host says it runs. The page does not run it. Reload; if this stays, do not sign here.' })
  }
  const module = await WebAssembly.compile(bytes)
  const types = (Array.isArray(answer.types) ? answer.types : []).filter((t): t is EventType => typeof t?.name === 'string' && Number.isSafeInteger(t?.code))
  await seal.start(module, types)
  eventTypes.set(types)
  moduleState.set({ state: 'ready', digest, hosts, size: bytes.length })
  return { module, types }
}
