// An answer that is waited for: for whoever is asynchronous and is no call of `fs` (src/vfs/task.ts runs those). Not here: any
// question.

import { type Fault, loadFault, Miss, type Outcome } from '../format/errno.js'

/** How often a question may lack something before it is taken to make no progress. */
const MISS_LIMIT = 1_000_000

/** Asks until the answer is no Miss. A question that is asked again should go on where it stopped, or be small. */
export async function answered<T>(ask: () => Outcome<T>): Promise<T | Fault> {
  for (let left = MISS_LIMIT; ; left--) {
    const answer = ask()
    if (!(answer instanceof Miss) || left === 0) return answer
    const failed: Fault | undefined = await answer.load().then(() => undefined, loadFault)
    if (failed !== undefined) return failed
  }
}
