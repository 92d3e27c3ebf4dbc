// Paged images: of which only some pages are in memory, so that they may be larger than that. A core of its own, compiled
// from the same sources, answers -EAGAIN where it lacks a page. Not here: bringing pages (src/image/pager.ts).

import { CONSTANTS, FULL_CORE_PAGES } from '../src/format/structs.js'
import type { CoreExports, Region } from './core.js'
import { Instances } from './instances.js'
import { Pages, pagesBytes } from './pages.js'
import type { Placed } from './pool.js'
import { Stuck } from './stuck.js'

export interface Paged extends Placed {
  readonly region: Region
  readonly pages: Pages
}

export class PagedPool {
  readonly #instances: Instances

  /** @param module the paged core */
  constructor(module: WebAssembly.Module) {
    this.#instances = new Instances(module, FULL_CORE_PAGES)
  }

  /**
   * Makes room for an image of `size` bytes of which `frames` pages of `2 ** bits` bytes are in memory at a time. It is not
   * open yet. Throws RangeError when there is no more memory.
   */
  place(size: number, frames: number, bits: number): Paged {
    const bytes = pagesBytes(frames, bits)
    const { core, region } = this.#instances.place(bytes, bytes)
    return { core, handle: region.at, size, region, pages: new Pages(core, region, frames, bits) }
  }

  release({ core, handle, region }: Paged): void {
    core.exports.close(handle)
    this.#instances.release(core, region)
  }
}

/** The questions that may lack a page. */
const QUESTIONS = [
  'open',
  'stat',
  'lookup',
  'resolve',
  'statPath',
  'readdir',
  'readdirPath',
  'readlink',
  'map',
  'extent',
  'listxattr',
  'getxattr',
  'walkNext',
  'pieces',
  'framePieces',
  'direntPieces',
  'peek',
] as const satisfies readonly (keyof CoreExports)[]

/**
 * The core's functions, each of which brings what it lacks by `fill` and asks again. Without `fill`, or where it answers false
 * since it can't, the answer is -EAGAIN; -ENOMEM to what lacks something however often it is asked (stuck.ts).
 */
export function retrying({ core, pages }: Paged, fill: () => boolean = () => false): CoreExports {
  const stuck = new Stuck(core, pages)
  const wrapped: Record<string, unknown> = { ...core.exports }
  for (const name of QUESTIONS) {
    const ask = core.exports[name] as (...args: number[]) => number
    wrapped[name] = (...args: number[]) => {
      for (;;) {
        const r = ask(...args)
        if (r !== -CONSTANTS.EAGAIN) {
          stuck.answered(name, args)
          return r
        }
        if (stuck.lacks(name, args)) return -CONSTANTS.ENOMEM
        if (!fill()) return r
      }
    }
  }
  return wrapped as unknown as CoreExports
}
