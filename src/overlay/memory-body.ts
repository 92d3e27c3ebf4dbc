// (provisional; being replaced)
import { type Fault, fault, type Outcome } from '../format/errno.js'
import type { Bodies, Body, Quota } from './body.js'

class MemoryBody implements Body {
  #bytes = new Uint8Array(0)
  #size = 0
  constructor(readonly quota: Quota) {}
  get size(): number {
    return this.#size
  }
  get blocks(): number {
    return Math.ceil(this.#bytes.length / 512)
  }
  read(into: Uint8Array, position: number): Outcome<number> {
    const part = this.#bytes.subarray(position, Math.min(this.#size, position + into.length))
    into.set(part)
    return part.length
  }
  #grow(size: number): Fault | undefined {
    if (size <= this.#bytes.length) return undefined
    const length = Math.max(size, Math.min(this.#bytes.length * 2, 1e9))
    if (!this.quota.take(length - this.#bytes.length)) return fault('ENOSPC')
    const bytes = new Uint8Array(length)
    bytes.set(this.#bytes)
    this.#bytes = bytes
    return undefined
  }
  write(from: Uint8Array, position: number): Fault | undefined {
    const end = position + from.length
    const failed = this.#grow(end)
    if (failed) return failed
    this.#bytes.set(from, position)
    this.#size = Math.max(this.#size, end)
    return undefined
  }
  truncate(size: number): Fault | undefined {
    const failed = this.#grow(size)
    if (failed) return failed
    this.#bytes.fill(0, Math.min(size, this.#size))
    this.#size = size
    return undefined
  }
  sync(): undefined {
    return undefined
  }
  free(): void {
    this.quota.give(this.#bytes.length)
    this.#bytes = new Uint8Array(0)
  }
}

export class MemoryBodies implements Bodies {
  constructor(readonly quota: Quota) {}
  create(): Outcome<Body> {
    return new MemoryBody(this.quota)
  }
}
