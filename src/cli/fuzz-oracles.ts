// The oracles themselves: each is asked about an image and answers where it and this project disagree. Not here: where images come
// from and what is made of disagreements (fuzz-oracle.ts).

import fs from 'node:fs'
import { join } from 'node:path'
import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { FULL_CORE_BASE64 } from '../../wasm/full-core-bytes.js'
import { CorePool } from '../../wasm/pool.js'
import { Fault } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { dumpOf } from '../fuzz/dump-of.js'
import { sha256 } from '../host/hash.js'
import { type Image, loadImage } from '../image/image.js'
import { ImageCheck } from '../overlay/image-check.js'
import { KernelLister, noKernel } from './fuzz-oracle-kernel.js'
import { differences, errnoIn, ourListing } from './fuzz-oracle-listing.js'
import { crashed, runTool, type ToolAnswer, toolPath } from './fuzz-oracle-tools.js'

export type VerdictKind = 'we refuse' | 'they refuse' | 'different' | 'other errno' | 'their crash' | 'their time-out'

/** One disagreement. */
export interface Verdict {
  readonly kind: VerdictKind
  /** What kind of disagreement it is, without names and numbers: one of each is looked into. */
  readonly key: string
  readonly ours: string
  readonly theirs: string
}

export interface Oracle {
  readonly name: string
  /** Which images it reads. */
  readonly reads: (bytes: Uint8Array) => boolean
  /** Where it disagrees; none where it says the same. */
  ask(bytes: Uint8Array): Promise<readonly Verdict[]>
  close(): void
}

/** One that may not be here. */
export interface OracleMaker {
  /** Why it can't be asked; undefined where it can. */
  missing(): string | undefined
  make(directory: string): Oracle
}

function verdict(kind: VerdictKind, field: string, ours: string, theirs: string): Verdict {
  const plain = (text: string) =>
    text
      // Whose entry it was.
      .replace(/^(!\w+) .*?: (bad |inode)/s, '$1 $2')
      .replace(/0x[0-9a-f]+|\d+/gi, 'N')
      .replace(/\/tmp\S*|\/dev\/shm\S*/g, '…')
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 90)
  const said = kind === 'different' ? '' : `: ${plain(ours)} / ${plain(theirs)}`
  return { kind, key: `${kind}: ${field}${said}`, ours: ours.slice(0, 300), theirs: theirs.slice(0, 300) }
}

function isComposefs(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === CONSTANTS.LCFS_EROFS_MAGIC
  )
}

/** By the superblock's word. */
function hasBlocksOf4096(bytes: Uint8Array): boolean {
  return bytes[CONSTANTS.EROFS_SUPER_OFFSET + 12] === 12
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

  constructor(directory: string) {
    this.#lister = new KernelLister(directory)
  }

  async ask(image: Uint8Array): Promise<readonly Verdict[]> {
    // Of a device's last page it reads all or nothing.
    const bytes = new Uint8Array(Math.ceil(image.length / PAGE) * PAGE)
    bytes.set(image)
    const theirs = await this.#lister.list(bytes)
    if (theirs === undefined) return [verdict('their time-out', 'listing', '', '')]
    const ours = ourListing(this.#pool, bytes)
    // mount(8) does not say every errno by its name.
    const other =
      ours.refused !== undefined && theirs.refused !== undefined ? { ...theirs, refused: ours.refused } : theirs
    return differences(ours, other).map(({ kind, field, path, ours: a, theirs: b }) => {
      const shown = (text: string) => (text.startsWith('!') || field === 'open' ? text : `'${text}'`)
      const { key } = verdict(kind, field, errnoIn(a) === undefined ? 'ok' : a, errnoIn(b) === undefined ? 'ok' : b)
      return { kind, key, ours: `${path}: ${shown(a)}`.slice(0, 300), theirs: shown(b).slice(0, 300) }
    })
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
  ) {
    this.#path = join(directory, 'tool-image')
  }

  protected abstract args(path: string): string[]
  protected abstract compare(bytes: Uint8Array, answer: ToolAnswer): Verdict[]

  async ask(bytes: Uint8Array): Promise<readonly Verdict[]> {
    fs.writeFileSync(this.#path, bytes)
    const answer = runTool(this.tool, this.args(this.#path))
    if (crashed(answer)) return [verdict('their crash', String(answer.end), '', answer.stderr)]
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
    readonly options: readonly string[],
  ) {
    super(tool, directory)
  }

  protected args(path: string): string[] {
    return [...this.options, path]
  }

  protected compare(bytes: Uint8Array, { end, stderr, stdout }: ToolAnswer): Verdict[] {
    const ours = this.#problem(bytes)
    const said = /<E>.*|.*(?:[Ff]ail|[Cc]orrupt|[Ii]nvalid|[Ee]rror).*/.exec(`${stderr}\n${stdout.toString('latin1')}`)
    const theirs = end === 0 ? undefined : `!${said?.[0].trim() ?? `status ${end}`}`
    if ((ours === undefined) === (theirs === undefined)) return []
    return [verdict(ours === undefined ? 'they refuse' : 'we refuse', 'image', ours ?? 'ok', theirs ?? 'ok')]
  }

  #problem(bytes: Uint8Array): string | undefined {
    const plain = bytes.slice()
    if (isComposefs(plain)) plain.fill(0, 0, 4)
    const image = this.load(plain)
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
    const image = this.load(bytes)
    const ours = image instanceof Fault ? image : dumpOf(image)
    if (!(image instanceof Fault)) image.close()
    const theirs = end === 0 ? undefined : `!${stderr.split('\n')[0].replaceAll(/\/\S+/g, '')}`
    if (ours instanceof Fault) {
      const why = `!${ours.code} ${ours.detail.replace(/^\/[^:]*: /, '')}`
      return theirs === undefined ? [verdict('we refuse', 'dump', why, 'ok')] : []
    }
    if (theirs !== undefined) return [verdict('they refuse', 'dump', 'ok', theirs)]
    return stdout.equals(ours) ? [] : [this.#line(Buffer.from(ours), stdout)]
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
    const what = longer ? 'payload, and what stands behind it' : (names[field] ?? 'xattr')
    return verdict('different', what, a[at] ?? '', b[at] ?? '')
  }
}

function tool(
  name: string,
  variable: string | undefined,
  make: (path: string, directory: string) => Oracle,
): OracleMaker {
  const path = toolPath(name, variable)
  return {
    missing: () =>
      path === undefined
        ? `no ${name} on PATH${variable === undefined ? '' : ` (${variable} may name it)`}`
        : undefined,
    make: directory => make(path ?? name, directory),
  }
}

/** All that there are, by name. */
export function oracles(): ReadonlyMap<string, OracleMaker> {
  return new Map<string, OracleMaker>([
    ['kernel', { missing: noKernel, make: directory => new KernelOracle(directory) }],
    [
      'fsck.erofs',
      tool('fsck.erofs', undefined, (path, dir) => new SoundnessOracle('fsck.erofs', path, dir, ['--extract'])),
    ],
    [
      'dump.erofs',
      tool('dump.erofs', undefined, (path, dir) => new SoundnessOracle('dump.erofs', path, dir, ['-s', '-S'])),
    ],
    ['composefs-info', tool('composefs-info', 'COMPOSEFS_INFO', (path, dir) => new DumpOracle(path, dir))],
  ])
}
