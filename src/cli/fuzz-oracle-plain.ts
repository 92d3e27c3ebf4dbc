// The plain decoder as an oracle: a process of its own lists one image after the other (plain-listing.main.ts), with limits of memory and
// of time. It trusts what it reads, so what it says of a wrong image is no more than that both read the same where both read. Not here:
// the decoder (src/fuzz/plain-decoder.ts).

import fs from 'node:fs'
import { join } from 'node:path'
import type { CorePool } from '../../wasm/pool.js'
import { ListingChild } from './fuzz-oracle-child.js'
import { ourListing } from './fuzz-oracle-listing.js'
import {
  asPlain,
  listingVerdicts,
  type Oracle,
  type OracleLimits,
  type Verdict,
  verdict,
} from './fuzz-oracle-verdict.js'

/** KiB of address space, of which Node itself takes most. */
const LIMITED = 'ulimit -v 8388608; ulimit -c 0; exec "$@"'
const HEAP = '--max-old-space-size=128'

/** Why it can't be asked here; undefined where it can. */
export function noPlain(program: string): string | undefined {
  return fs.existsSync(program) ? undefined : `no ${program}, which the build makes`
}

export class PlainOracle implements Oracle {
  readonly name = 'plain'
  readonly reads = () => true
  readonly #pool: CorePool
  readonly #child: ListingChild

  constructor(pool: CorePool, directory: string, { time }: OracleLimits, program: string) {
    this.#pool = pool
    const args = ['-c', LIMITED, 'sh', process.execPath, HEAP, program]
    this.#child = new ListingChild({ command: 'sh', args, path: join(directory, 'plain-'), time })
  }

  async ask(image: Uint8Array): Promise<readonly Verdict[]> {
    const bytes = asPlain(image)
    const theirs = await this.#child.list(bytes)
    if (theirs === 'time-out') return [verdict('their time-out', 'listing', '', '')]
    if ('ended' in theirs) return [verdict('their crash', theirs.ended, '', '')]
    // Of what neither reads it knows no errno.
    return listingVerdicts(ourListing(this.#pool, bytes), theirs).filter(({ kind }) => kind !== 'other errno')
  }

  close(): void {
    this.#child.close()
  }
}
