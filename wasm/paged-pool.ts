// Paged images: of which only some pages are in memory, so that they may be larger than that. A core of its own, compiled
// from the same sources, answers -EAGAIN where it lacks a page. Not here: bringing pages (src/image/pager.ts).

import { CONSTANTS, FULL_CORE_PAGES } from '../src/format/structs.js'
import type { Core, CoreExports, Region } from './core.js'
import { Instances } from './instances.js'
import { Pages, pagesBytes } from './pages.js'
import type { Placed } from './pool.js'
import { Stuck } from './stuck.js'

export interface Paged extends Placed {
  readonly region: Region
  readonly pages: Pages
}

/** Bytes that the core keeps of a device: where it begins, how many it has. */
const DEVICE = 16
const ALIGN = 8

/** A part of the bytes that the core sees. */
interface Part {
  readonly start: number
  readonly size: number
}

export class PagedPool {
  readonly #instances: Instances

  /** @param module the paged core */
  constructor(module: WebAssembly.Module) {
    this.#instances = new Instances(module, FULL_CORE_PAGES)
  }

  /**
   * Makes room for an image of `size` bytes of which `frames` pages of `2 ** bits` bytes are in memory at a time. It is not
   * open yet. `parts`: the image and its further devices, where these are among the bytes. Throws RangeError when there is no more memory.
   */
  place(size: number, frames: number, bits: number, parts: readonly Part[] = []): Paged {
    const own = pagesBytes(frames, bits)
    const bytes = own + ALIGN + parts.length * DEVICE
    const { core, region } = this.#instances.place(bytes, bytes)
    const pages = new Pages(core, region, frames, bits)
    if (parts.length > 0) this.#say(core, region, region.at + core.exports.imageHead.value + own, parts)
    return { core, handle: region.at, size, region, pages }
  }

  /** Tells the core where the image and its further devices lie among the bytes that it sees. */
  #say(core: Core, region: Region, behind: number, [primary, ...devices]: readonly Part[]): void {
    const at = Math.ceil(behind / ALIGN) * ALIGN
    const words = new BigUint64Array(core.u8.buffer, at, devices.length * 2)
    devices.forEach(({ start, size }, i) => {
      words[2 * i] = BigInt(start)
      words[2 * i + 1] = BigInt(size)
    })
    core.exports.devices(region.at, at, devices.length, primary.size)
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
