// Opening, and what is said of the superblock. Invariants: those of CORE_INVARIANTS, and
// - again: the same bytes opened again give the same answer and the same facts
// - facts: blocks are of 512 to 65536 bytes, numbers are whole and not negative, the root can be read and is a directory
// - closed: what is asked of a closed image is answered by an errno

import type { CoreImage } from '../../../wasm/core-image.js'
import { CONSTANTS } from '../../format/structs.js'
import { CORE_INVARIANTS, CoreTarget } from '../core-target.js'
import { Violation } from '../target.js'

const { S_IFMT, S_IFDIR } = CONSTANTS

export class CoreOpenTarget extends CoreTarget {
  readonly name = 'open'
  readonly invariants = [
    ...CORE_INVARIANTS,
    'again: the same bytes give the same answer',
    'facts: blocks of 512 to 65536 bytes, whole numbers, a root that is a directory',
    'closed: a closed image answers errnos',
  ]

  protected ask(image: CoreImage): void {
    const facts = this.asked('open', () => image.facts())
    const again = this.asked('open', () => image.facts())
    if (JSON.stringify(facts) !== JSON.stringify(again)) throw new Violation('again', JSON.stringify(again))
    const { blockSize, rootNid, blocks, inos } = facts
    const whole = [rootNid, blocks, inos].every(number => Number.isInteger(number) && number >= 0)
    if (blockSize < 512 || blockSize > 65536 || !whole) throw new Violation('facts', JSON.stringify(facts))
    const root = this.answer(
      'stat',
      this.asked('stat', () => image.stat(rootNid)),
    )
    if (root < 0 || (image.mode() & S_IFMT) !== S_IFDIR) throw new Violation('facts', `the root answers ${root}`)
    const { handle, size } = image
    image.retire()
    const closed = this.asked('stat', () => image.stat(rootNid))
    image.handle = handle
    image.size = size
    if (closed >= 0) throw new Violation('closed', `stat answers ${closed}`)
  }
}
