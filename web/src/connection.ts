import { useEffect, useState } from 'preact/hooks'
import { HostError, ask, failureOf } from './host.ts'
import { Store, useStore } from './store.ts'
import { announce, type Failure } from './ui/parts.tsx'

/** Whether the host answers. Goes up by one each time that it is back. */
export const connection = new Store<{ lost: boolean; returns: number }>({ lost: false, returns: 0 })

let probing = false

/** To be told of each failed call: an unreachable host is asked until it is back. */
export function noteFailure(e: unknown): void {
  if (!(e instanceof HostError) || !e.unreachable || probing) return
  probing = true
  connection.update(c => ({ ...c, lost: true }))
  announce('The host cannot be reached')
  void (async () => {
    for (let wait = 1000; ; wait = Math.min(wait * 1.5, 10_000)) {
      await Promise.race([pause(wait), new Promise(r => addEventListener('online', r, { once: true }))])
      try {
        await ask('/livez', { most: 1 << 16 })
        break
      } catch (e) {
        if (!(e instanceof HostError) || !e.unreachable) break // it answers, if only to refuse
      }
    }
    probing = false
    connection.update(c => ({ lost: false, returns: c.returns + 1 }))
    announce('The host is back')
  })()
}

export const pause = (ms: number) => new Promise<void>(r => setTimeout(r, ms))

export interface Loaded<T> {
  value?: T
  failure?: Failure
  loading: boolean
  reload: () => void
}

/**
 * Loads something when keys change, and again when the host is back after it
 * failed. The value of before stays while the next is under way.
 */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, keys: unknown[]): Loaded<T> {
  const { returns } = useStore(connection)
  const [turn, setTurn] = useState(0)
  const key = JSON.stringify(keys)
  const [state, setState] = useState<{ key: string; value?: T; failure?: Failure; loading: boolean }>({ key, loading: true })
  useEffect(() => {
    const stop = new AbortController()
    setState(s => (s.key === key ? { ...s, loading: true } : { key, loading: true }))
    load(stop.signal).then(
      value => !stop.signal.aborted && setState({ key, value, loading: false }),
      (e: unknown) => {
        if (stop.signal.aborted) return
        noteFailure(e)
        setState(s => ({ key, ...(s.key === key && s.value !== undefined ? { value: s.value } : {}), failure: failureOf(e), loading: false }))
      },
    )
    return () => stop.abort()
  }, [key, turn, returns])
  const current = state.key === key ? state : { loading: true }
  return { ...current, reload: () => setTurn(t => t + 1) }
}

/** A clock for words such as "2 minutes ago". */
export function useTick(ms: number): void {
  const [, turn] = useState(0)
  useEffect(() => {
    const t = setInterval(() => turn(n => n + 1), ms)
    return () => clearInterval(t)
  }, [ms])
}
