// The oracles themselves: each is asked about an image and answers where it and this project disagree. Not here: where images come
// from and what is made of disagreements (fuzz-oracle.ts).

import fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { FULL_CORE_BASE64 } from '../../wasm/full-core-bytes.js'
import { CorePool } from '../../wasm/pool.js'
import { Fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { dumpOf } from '../fuzz/dump-of.js'
import { sha256 } from '../host/hash.js'
import { type Image, loadImage } from '../image/image.js'
import { ImageCheck } from '../overlay/image-check.js'
import { KernelLister, noKernel } from './fuzz-oracle-kernel.js'
import { ourListing } from './fuzz-oracle-listing.js'
import { noPlain, PlainOracle } from './fuzz-oracle-plain.js'
import { crashed, runTool, type ToolAnswer, toolPath } from './fuzz-oracle-tools.js'
import {
  asPlain,
  isComposefs,
  listingVerdicts,
  type Oracle,
  type OracleLimits,
  type OracleMaker,
  type Verdict,
  verdict,
} from './fuzz-oracle-verdict.js'

/** By the superblock's word. */
function hasBlocksOf4096(bytes: Uint8Array): boolean {
  return bytes[CONSTANTS.EROFS_SUPER_OFFSET + 12] === 12
}

function refusal({ code, detail }: Fault): string {
  return `!${code} ${detail.replace(/^\/[^:]*: /, '')}`
}

function newPool(): CorePool {
  return new CorePool(compileSync(new Uint8Array(Buffer.from(CORE_BASE64, 'base64'))), () =>
    compileSync(new Uint8Array(Buffer.from(FULL_CORE_BASE64, 'base64'))),
  )
}

const PAGE = 4096

class KernelOracle implements Oracle {
  readonly name = 'kernel'
  readonly reads = () => true
  readonly #pool = newPool()
  readonly #lister: KernelLister

  constructor(directory: string, { time }: OracleLimits) {
    this.#lister = new KernelLister(directory, time)
  }

  async ask(image: Uint8Array): Promise<readonly Verdict[]> {
    // Of a device's last page it reads all or nothing. It does not look at the header of composefs, but data may be where that is.
    const bytes = new Uint8Array(Math.ceil(image.length / PAGE) * PAGE)
    bytes.set(asPlain(image))
    const theirs = await this.#lister.list(bytes)
    if (theirs === undefined) return [verdict('their time-out', 'listing', '', '')]
    return listingVerdicts(ourListing(this.#pool, bytes), theirs)
  }

  close(): void {
    this.#lister.close()
  }
}

/** A C tool that is run on an image in a file, and how its answer is compared. */
abstract class ToolOracle implements Oracle {
  abstract readonly name: string
  abstract readonly reads: (bytes: Uint8Array) => boolean
  readonly pool = newPool()
  readonly #path: string

  constructor(
    readonly tool: string,
    directory: string,
    readonly limits: OracleLimits,
  ) {
    this.#path = join(directory, 'tool-image')
  }

  protected abstract args(path: string): string[]
  protected abstract compare(bytes: Uint8Array, answer: ToolAnswer): Verdict[]
  /** What is wrong with an image; undefined for one that is sound. */
  protected abstract problem(bytes: Uint8Array): string | undefined

  async ask(bytes: Uint8Array): Promise<readonly Verdict[]> {
    fs.writeFileSync(this.#path, bytes)
    const answer = runTool(this.tool, this.args(this.#path), this.limits.time)
    // What is wrong with the image tells one crash from another.
    if (crashed(answer)) return [verdict('their crash', String(answer.end), this.problem(bytes) ?? 'ok', answer.stderr)]
    if (typeof answer.end === 'string') return [verdict('their time-out', answer.end, '', '')]
    return this.compare(bytes, { ...answer, stderr: answer.stderr.replaceAll(this.#path, 'IMAGE') })
  }

  close(): void {
    fs.rmSync(this.#path, { force: true })
  }

  /** The image as plain EROFS, or why it is none. */
  protected load(bytes: Uint8Array): Image | Fault {
    return loadImage(this.pool, sha256, bytes.length, into => into.set(bytes), {})
  }
}

/** Whether all of an image is sound: `fsck.erofs` and `dump.erofs` against `verify`. */
class SoundnessOracle extends ToolOracle {
  readonly reads = hasBlocksOf4096

  constructor(
    readonly name: string,
    tool: string,
    directory: string,
    limits: OracleLimits,
    readonly options: readonly string[],
  ) {
    super(tool, directory, limits)
  }

  protected args(path: string): string[] {
    return [...this.options, path]
  }

  protected compare(bytes: Uint8Array, { end, stderr, stdout }: ToolAnswer): Verdict[] {
    const ours = this.problem(bytes)
    const said = /<E>.*|.*(?:[Ff]ail|[Cc]orrupt|[Ii]nvalid|[Ee]rror).*/.exec(`${stderr}\n${stdout.toString('latin1')}`)
    const theirs = end === 0 ? undefined : `!${said?.[0].trim() ?? `status ${end}`}`
    if ((ours === undefined) === (theirs === undefined)) return []
    return [verdict(ours === undefined ? 'they refuse' : 'we refuse', 'image', ours ?? 'ok', theirs ?? 'ok')]
  }

  protected problem(bytes: Uint8Array): string | undefined {
    const image = this.load(asPlain(bytes))
    if (image instanceof Fault) return `!${image.code} ${image.detail}`
    let found: string | undefined
    try {
      const check = new ImageCheck(image, (_path, why) => {
        found ??= `!${why.code} ${why.detail}`
      })
      for (const _ of check.run());
    } catch (error) {
      found ??= `!${error instanceof Error ? error.message.replace(/^(\w+): /, '$1 ') : String(error)}`
    } finally {
      image.close()
    }
    return found
  }
}

/** The dump of a composefs image, byte by byte. */
class DumpOracle extends ToolOracle {
  readonly name = 'composefs-info'
  readonly reads = isComposefs

  protected args(path: string): string[] {
    return ['dump', path]
  }

  protected compare(bytes: Uint8Array, { end, stdout, stderr }: ToolAnswer): Verdict[] {
    const ours = this.#dump(bytes)
    const theirs = end === 0 ? undefined : `!${stderr.split('\n')[0].replaceAll(/\/\S+/g, '')}`
    if (ours instanceof Fault) {
      return theirs === undefined ? [verdict('we refuse', 'dump', refusal(ours), 'ok')] : []
    }
    if (theirs !== undefined) return [verdict('they refuse', 'dump', 'ok', theirs)]
    return stdout.equals(ours) ? [] : [this.#line(Buffer.from(ours), stdout)]
  }

  protected problem(bytes: Uint8Array): string | undefined {
    const dump = this.#dump(bytes)
    return dump instanceof Fault ? refusal(dump) : undefined
  }

  #dump(bytes: Uint8Array): Outcome<Uint8Array> {
    const image = this.load(bytes)
    if (image instanceof Fault) return image
    try {
      return dumpOf(image)
    } finally {
      image.close()
    }
  }

  /** The first field that is another. */
  #line(ours: Buffer, theirs: Buffer): Verdict {
    const [a, b] = [ours, theirs].map(text => text.toString('latin1').split('\n'))
    const at = a.findIndex((line, i) => line !== b[i])
    const [one, other] = [(a[at] ?? '').split(' '), (b[at] ?? '').split(' ')]
    const names = ['path', 'size', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'mtime', 'payload', 'content', 'digest']
    const field = one.findIndex((text, i) => text !== other[i])
    // Up to a NUL that is not there.
    const longer = field === 8 && one[field] !== '-' && other[field]?.startsWith(one[field]) === true
    // A name of theirs ends at the first NUL.
    const cut = field >= names.length && /^[^=]*\\x00/.test(one[field])
    const named = names[field] ?? (cut ? 'xattr with a NUL in its name' : 'xattr')
    const what = longer ? 'payload, and what stands behind it' : named
    return verdict('different', what, a[at] ?? '', b[at] ?? '')
  }
}

function tool(
  name: string,
  variable: string | undefined,
  make: (path: string, directory: string, limits: OracleLimits) => Oracle,
): OracleMaker {
  const path = toolPath(name, variable)
  return {
    missing: () =>
      path === undefined
        ? `no ${name} on PATH${variable === undefined ? '' : ` (${variable} may name it)`}`
        : undefined,
    make: (directory, limits) => make(path ?? name, directory, limits),
  }
}

/** All that there are, by name. `program`: the process of the plain decoder, which stands beside the command. */
export function oracles(
  program = fileURLToPath(new URL('plain-listing.js', import.meta.url)),
): ReadonlyMap<string, OracleMaker> {
  return new Map<string, OracleMaker>([
    ['kernel', { missing: noKernel, make: (directory, limits) => new KernelOracle(directory, limits) }],
    ['fsck.erofs', tool('fsck.erofs', undefined, (...at) => new SoundnessOracle('fsck.erofs', ...at, ['--extract']))],
    ['dump.erofs', tool('dump.erofs', undefined, (...at) => new SoundnessOracle('dump.erofs', ...at, ['-s', '-S']))],
    ['composefs-info', tool('composefs-info', 'COMPOSEFS_INFO', (...at) => new DumpOracle(...at))],
    [
      'plain',
      { missing: () => noPlain(program), make: (dir, limits) => new PlainOracle(newPool(), dir, limits, program) },
    ],
  ])
}
