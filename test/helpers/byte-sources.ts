// Byte sources for tests: bytes in memory, bytes that are a function of their position, and a way to count, delay and
// break what a source does.
import type { ByteSource } from '../../src/source/byte-source.js'

export interface SourceProbe extends ByteSource {
  /** Ranges that were asked for. */
  readonly reads: [number, number][]
  /** Bytes that were given. */
  readonly given: number
  closed: number
  /** Replaces what the next reads give; the test takes it away again. */
  turn: ((bytes: Uint8Array, offset: number) => Uint8Array) | undefined
  /** Thrown by every read while it is set. */
  failure: Error | undefined
  reset(): void
}

export interface ProbeForm {
  /** Has readSync. */
  readonly sync?: boolean
  /** What a read waits for; a turn of the loop unless given. */
  readonly wait?: () => Promise<unknown>
}

/** A source of `size` bytes that `at` makes. */
export function sourceOf(
  size: number,
  at: (offset: number, length: number) => Uint8Array,
  { sync = false, wait = () => new Promise(setImmediate) }: ProbeForm = {},
): SourceProbe {
  const give = (offset: number, length: number): Uint8Array => {
    if (probe.closed > 0) throw Object.assign(new Error('closed'), { code: 'EBADF' })
    if (probe.failure !== undefined) throw probe.failure
    const bytes = at(offset, Math.max(0, Math.min(length, size - offset)))
    const turned = probe.turn === undefined ? bytes : probe.turn(bytes, offset)
    given += turned.length
    return turned
  }
  let given = 0
  const probe: SourceProbe = {
    size,
    reads: [],
    closed: 0,
    turn: undefined,
    failure: undefined,
    get given() {
      return given
    },
    async read(offset, length) {
      probe.reads.push([offset, length])
      await wait()
      return give(offset, length)
    },
    close() {
      probe.closed++
    },
    reset() {
      probe.reads.length = 0
      given = 0
    },
  }
  if (sync) {
    probe.readSync = (offset, length) => {
      probe.reads.push([offset, length])
      return give(offset, length)
    }
  }
  return probe
}

/** A source of bytes in memory; a test may write to them. */
export function bytesSource(bytes: Uint8Array, form: ProbeForm = {}): SourceProbe {
  return sourceOf(bytes.length, (offset, length) => bytes.slice(offset, offset + length), form)
}
