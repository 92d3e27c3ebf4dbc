// What Node has as globals, for files of the tests alone.
import { Buffer } from 'buffer/'

// As Node's does; the package's takes Buffers only.
Buffer.prototype.equals = function (other: Uint8Array) {
  return this.length === other.length && this.every((byte: number, at: number) => byte === other[at])
}

export { Buffer }

/** What the page or worker says of itself: see `setEnvironment`. */
const { environment } = globalThis as { environment?: Record<string, string> }

export const process = {
  env: environment ?? {},
  cwd: () => '/',
  getuid: () => 0,
  getgid: () => 0,
  on: () => {},
  off: () => {},
}

const waiting: (() => void)[] = []
const { port1, port2 } = new MessageChannel()
port1.onmessage = () => waiting.shift()?.()

/** A turn of the event loop later; a timeout of 0 is one of 4 ms after some. */
export function setImmediate(run: (...args: unknown[]) => void, ...args: unknown[]): void {
  waiting.push(() => run(...args))
  port2.postMessage(0)
}
