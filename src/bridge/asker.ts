// What stores and objects of another thread ask by: the part of a Bridge that they need.

import type { Answer, Call, Notice } from './protocol.js'

export interface Asker {
  /** Are there synchronous forms? */
  readonly isSync: boolean
  /** A number that nothing else has. */
  name(): number
  call(call: Call): Promise<Answer>
  callSync(call: Call): Answer
  /** Bytes of an object, in as many pieces as it takes. */
  readSync(object: number, offset: number, length: number): Uint8Array
  tell(notice: Notice): void
}
