// A small event emitter with the methods that users of watchers and file handles call. Not here: Node's EventEmitter,
// which a browser has not. Follows its documented behaviour for these methods.

type Listener = (...args: unknown[]) => void

interface Entry {
  readonly listener: Listener
  readonly once: boolean
}

export class Emitter {
  readonly #entries = new Map<string | symbol, Entry[]>()

  #add(event: string | symbol, listener: Listener, once: boolean): this {
    const entries = this.#entries.get(event)
    if (entries === undefined) this.#entries.set(event, [{ listener, once }])
    else entries.push({ listener, once })
    return this
  }

  on(event: string | symbol, listener: Listener): this {
    return this.#add(event, listener, false)
  }

  addListener(event: string | symbol, listener: Listener): this {
    return this.#add(event, listener, false)
  }

  once(event: string | symbol, listener: Listener): this {
    return this.#add(event, listener, true)
  }

  off(event: string | symbol, listener: Listener): this {
    const entries = this.#entries.get(event) ?? []
    const at = entries.findLastIndex(entry => entry.listener === listener)
    if (at !== -1) this.#entries.set(event, entries.toSpliced(at, 1))
    return this
  }

  removeListener(event: string | symbol, listener: Listener): this {
    return this.off(event, listener)
  }

  removeAllListeners(event?: string | symbol): this {
    if (event === undefined) this.#entries.clear()
    else this.#entries.delete(event)
    return this
  }

  listenerCount(event: string | symbol): number {
    return this.#entries.get(event)?.length ?? 0
  }

  listeners(event: string | symbol): Listener[] {
    return (this.#entries.get(event) ?? []).map(entry => entry.listener)
  }

  emit(event: string | symbol, ...args: unknown[]): boolean {
    const entries = this.#entries.get(event)
    if (entries === undefined || entries.length === 0) return false
    for (const { listener, once } of entries) {
      if (once) this.off(event, listener)
      listener.apply(this, args)
    }
    return true
  }
}
