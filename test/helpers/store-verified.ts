// What the tests of VerifiedObjects share: an object in a probe, ways to ask for it, what its answers must be.
import * as assert from 'uvu/assert'
import { Fault, Miss, type Outcome } from '../../src/format/errno.js'
import { verityDigest } from '../../src/format/verity.js'
import { IntegrityError } from '../../src/store/errors.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { countingHash, sha256 } from './store-hash.js'
import { ProbeStore } from './store-probe.js'

export const NAME = 'ab/object'
export const BLOCK = 4096
/** What one object is read in for its first time; from there on it comes in pieces. */
export const PIECE = 2 ** 20

export function value<T>(outcome: Outcome<T>): T {
  if (outcome instanceof Fault) throw new Error(`${outcome.code}: ${outcome.detail}`)
  return outcome
}

export function faultOf(outcome: Outcome<unknown>, code: string): Fault {
  assert.instance(outcome, Fault)
  const fault = outcome as Fault
  assert.is(fault.code, code, fault.detail)
  return fault
}

export function mismatch(outcome: Outcome<unknown>): IntegrityError {
  const { cause, detail } = faultOf(outcome, 'EIO')
  assert.instance(cause, IntegrityError)
  assert.match(detail, NAME)
  assert.match(detail, 'probe')
  return cause as IntegrityError
}

/** What an asynchronous face does with an operation. */
export async function settle<T>(run: () => Outcome<T>): Promise<Outcome<T>> {
  for (let tries = 0; tries < 20; tries++) {
    const outcome = run()
    if (!(outcome instanceof Miss)) return outcome
    try {
      await outcome.load()
    } catch (error) {
      const { fault } = error as { fault: Fault }
      assert.instance(fault, Fault)
      assert.is((error as { code: string }).code, fault.code)
      return fault
    }
  }
  throw new Error('makes no progress')
}

export function probed(data: Uint8Array, options: { sync?: boolean; immediate?: boolean; leafBytes?: number } = {}) {
  const store = new ProbeStore(options)
  store.bytes.set(NAME, data)
  const counter = countingHash()
  const objects = new VerifiedObjects(store, counter.sha256, { leafBytes: options.leafBytes })
  return { store, counter, objects, digest: verityDigest(data, sha256) }
}

/** Both ways of reading, as one: synchronously with `wait`, and by Miss, load and retry without. */
export const WAYS = [
  { way: 'sync', sync: true, ask: async <T>(run: (wait: boolean) => Outcome<T>) => run(true) },
  { way: 'async', sync: false, ask: <T>(run: (wait: boolean) => Outcome<T>) => settle(() => run(false)) },
]
