// Which leftovers of an unfinished put have nobody any more. Pages and workers die at any moment; Web Locks are
// released when they do, so that who holds a lock that is called as its leftovers are is known to live. Without Web
// Locks (insecure origins, Node 20) age has to do. Not here: what the leftovers are.

/** Without locks: what was not touched for so long has nobody. */
const ABANDONED_MS = 24 * 3600 * 1000

function locksHere(): LockManager | undefined {
  return typeof navigator === 'object' ? navigator.locks : undefined
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

export class Leases {
  /** Begins the names of all leftovers of this one: 24 hex digits. */
  readonly id = randomId()
  readonly #scope: string
  #users = 0
  #held: Promise<void> | undefined
  #letGo: () => void = () => {}

  /** `scope` names the place whose leftovers these are, e.g. a database, the same in each tab. */
  constructor(scope: string) {
    this.#scope = scope
  }

  /** Says that leftovers of this id have someone; answers the function to call when they are gone. */
  async take(): Promise<() => void> {
    if (this.#users++ === 0) this.#held = this.#hold()
    try {
      await this.#held
    } catch (error) {
      this.#users--
      throw error
    }
    let ended = false
    return () => {
      if (ended) return
      ended = true
      if (--this.#users === 0) this.#letGo()
    }
  }

  /** Runs `remove` if nobody has the leftovers of `id`; `touched` says when someone last did something with them (ms). */
  async clear(id: string, touched: () => number | Promise<number>, remove: () => Promise<void>): Promise<void> {
    if (id === this.id) return
    const locks = locksHere()
    if (locks === undefined) {
      if (Date.now() - (await touched()) > ABANDONED_MS) await remove()
      return
    }
    await locks.request(this.#name(id), { ifAvailable: true }, async lock => {
      if (lock !== null) await remove()
    })
  }

  /** Runs `action` while no other tab runs one of the same key. */
  async alone<T>(key: string, action: () => Promise<T>): Promise<T> {
    const locks = locksHere()
    if (locks === undefined) return action()
    // The type of lib.dom has the promise of a promise.
    return (await locks.request(`${this.#scope} name ${key}`, action)) as T
  }

  #name(id: string): string {
    return `${this.#scope} lease ${id}`
  }

  #hold(): Promise<void> {
    const locks = locksHere()
    if (locks === undefined) return Promise.resolve()
    return new Promise<void>((resolve, reject) => {
      const until = new Promise<void>(end => {
        this.#letGo = end
      })
      locks
        .request(this.#name(this.id), () => {
          resolve()
          return until
        })
        .catch(reject)
    })
  }
}
