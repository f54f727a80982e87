import { useEffect, useState } from 'preact/hooks'

/** A value that views follow. */
export class Store<T> {
  #value: T
  #followers = new Set<() => void>()

  constructor(value: T) {
    this.#value = value
  }

  get value(): T {
    return this.#value
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const f of [...this.#followers]) f()
  }

  update(change: (old: T) => T): void {
    this.set(change(this.#value))
  }

  follow(f: () => void): () => void {
    this.#followers.add(f)
    return () => void this.#followers.delete(f)
  }
}

export function useStore<T>(store: Store<T>): T {
  const [, turn] = useState(0)
  const value = store.value
  useEffect(() => {
    const again = () => turn(n => n + 1)
    if (store.value !== value) again() // it changed between render and effect
    return store.follow(again)
  }, [store])
  return value
}
