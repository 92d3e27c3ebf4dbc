// composefs extract: the tree of an image as files on the host. All of it is made in a directory beside the wanted one,
// which takes that place at the end: after a failure there is nothing. Nothing is ever written through a symlink, since
// every parent is a directory that this run has made. Not here: reading and checking bytes (layers.ts).

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Fault, Miss } from '../format/errno.js'
import { majorOf, minorOf } from '../format/file-type.js'
import { CONSTANTS } from '../format/structs.js'
import { TreeCursor } from '../image/tree-cursor.js'
import type { ImageLayer } from '../overlay/image-layer.js'
import { type Attr, newAttr } from '../overlay/layer.js'
import { answered } from '../overlay/waiting.js'
import { parseArguments } from './arguments.js'
import { CommandError, failure, wrongUsage } from './failure.js'
import { IMAGE_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { eachPiece, eachPieceLater, layerOf } from './layers.js'
import { ImageFiles } from './open.js'
import { type Progress, startProgress } from './progress.js'
import { writeAll } from './standard-output.js'

export const EXTRACT_HELP = `Usage: composefs extract IMAGE DIR [--basedir STORE] [--digest HEX] [--json]

Writes the tree of an image to DIR, which must be new or empty. Hard links, modes and times are kept, owners and devices
too as root; xattrs and sockets are not, which is said at the end. IMAGE and STORE may be http(s) and s3 URLs.

  --basedir STORE   where the objects are; every byte is checked before it is written
  --digest HEX      the fs-verity digest that the image must have
  --device PATH     a further device of the image, a path or URL; repeated, in the order of its device table
  --json            the result as an object
${LIMITS_HELP}`

const OPTIONS = { basedir: { type: 'string' }, ...IMAGE_OPTIONS, json: { type: 'boolean' } } as const
/** Of a store that is elsewhere. */
const FILES_AT_ONCE = 8
const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO } = CONSTANTS
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = fs.constants
const PERMISSIONS = 0o7777

interface Entry {
  readonly nid: number
  readonly attr: Attr
  /** On the host; bytes, since names need not be UTF-8. */
  readonly to: Buffer
  /** In the image, for messages. */
  readonly path: string
}

class Extraction {
  readonly counts = { files: 0, directories: 0, symlinks: 0, devices: 0, fifos: 0, hardLinks: 0, bytes: 0 }
  readonly lost = { xattrs: 0, sockets: 0, owners: 0, devices: 0 }
  readonly #layer: ImageLayer
  readonly #root: Buffer
  readonly #progress: Progress
  readonly #asRoot = process.getuid?.() === 0
  /** Where the first name of an inode with several was written. */
  readonly #written = new Map<number, Buffer>()
  readonly #directories: Entry[] = []
  /** Files whose bytes are coming. */
  readonly #running = new Set<Promise<void>>()
  readonly #failures: unknown[] = []

  constructor(layer: ImageLayer, root: string, progress: Progress) {
    this.#layer = layer
    this.#root = Buffer.from(root)
    this.#progress = progress
  }

  async run(): Promise<void> {
    try {
      await this.#walk()
    } finally {
      // Whoever removes what there is must be the last to touch it.
      await Promise.all(this.#running)
    }
    if (this.#failures.length > 0) throw this.#failures[0]
    // What is made in a directory changes its time, and its mode may forbid making anything.
    for (const entry of this.#directories.reverse()) this.#finish(entry)
  }

  async #walk(): Promise<void> {
    const { image } = this.#layer
    const cursor = new TreeCursor(image, { hideDev0: image.view.hideDev0 })
    for (;;) {
      const more = cursor.next()
      if (more instanceof Fault) throw failure('extract', '/', more)
      if (!more) break
      const bytes = cursor.pathBytes()
      const path = new TextDecoder().decode(bytes)
      const nid = cursor.records.nid(cursor.index)
      const attr = newAttr()
      const why = this.#layer.stat({ nid, mode: 0, way: bytes }, attr)
      if (why !== undefined) throw failure('extract', path, why)
      this.#one({ nid, attr, path, to: Buffer.concat([this.#root, bytes]) })
      this.#progress.step()
      if (this.#running.size >= FILES_AT_ONCE) await Promise.race(this.#running)
      if (this.#failures.length > 0) break
    }
  }

  #one(entry: Entry): void {
    const { nid, attr, to } = entry
    const type = attr.mode & S_IFMT
    const first = type === S_IFDIR ? undefined : this.#written.get(nid)
    if (first !== undefined) {
      this.counts.hardLinks++
      fs.linkSync(first, to)
      return
    }
    if (attr.nlink > 1) this.#written.set(nid, to)
    const names = this.#layer.listxattr({ nid, mode: attr.mode, way: undefined })
    if (names instanceof Fault) throw failure('extract', entry.path, names)
    this.lost.xattrs += names.length
    if (type === S_IFDIR) {
      this.counts.directories++
      if (entry.path !== '/') fs.mkdirSync(to, 0o700)
      this.#directories.push(entry)
      return
    }
    if (type === S_IFREG) {
      this.#file(entry)
      return
    }
    const made = this.#make(entry, type)
    if (made) this.#finish(entry)
    else this.#written.delete(nid)
  }

  #make(entry: Entry, type: number): boolean {
    if (type === S_IFLNK) this.#symlink(entry)
    else if (type === S_IFIFO) this.#node(entry, ['p'])
    else if (type === S_IFCHR || type === S_IFBLK) return this.#device(entry, type)
    else {
      this.lost.sockets++
      return false
    }
    return true
  }

  /** A file whose bytes have to be waited for is there at once, for hard links to it, and gets them later. */
  #file(entry: Entry): void {
    const { nid, attr, path, to } = entry
    const open = () => this.#layer.open({ nid, mode: attr.mode, way: undefined }, true)
    const file = open()
    if (file instanceof Fault && !(file instanceof Miss)) throw failure('extract', path, file)
    const fd = fs.openSync(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    const take = (piece: Uint8Array) => {
      for (let done = 0; done < piece.length; ) done += fs.writeSync(fd, piece, done)
    }
    if (file instanceof Miss) {
      this.#later(entry, fd, async () => {
        const opened = await answered(open)
        return opened instanceof Fault ? opened : eachPieceLater(opened, take)
      })
      return
    }
    try {
      const why = eachPiece(file, take)
      if (why !== undefined) throw failure('extract', path, why)
    } finally {
      fs.closeSync(fd)
    }
    this.#wrote(entry)
  }

  #wrote(entry: Entry): void {
    this.counts.files++
    this.counts.bytes += entry.attr.size
    this.#finish(entry)
  }

  #later(entry: Entry, fd: number, fill: () => Promise<Fault | undefined>): void {
    const filling = fill()
      .finally(() => fs.closeSync(fd))
      .then(why => {
        if (why !== undefined) throw failure('extract', entry.path, why)
        this.#wrote(entry)
      })
      .catch(error => {
        this.#failures.push(error)
      })
      .finally(() => this.#running.delete(filling))
    this.#running.add(filling)
  }

  #symlink({ nid, attr, path, to }: Entry): void {
    const target = this.#layer.readlink({ nid, mode: attr.mode, way: undefined })
    if (target instanceof Fault) throw failure('extract', path, target)
    fs.symlinkSync(Buffer.from(target), to)
    this.counts.symlinks++
  }

  #device(entry: Entry, type: number): boolean {
    if (!this.#asRoot) {
      this.lost.devices++
      return false
    }
    const { rdev } = entry.attr
    this.#node(entry, [type === S_IFCHR ? 'c' : 'b', String(majorOf(rdev)), String(minorOf(rdev))])
    return true
  }

  /** Node makes neither FIFOs nor devices; coreutils' mknod does, under a plain name that is moved into place. */
  #node({ path, to }: Entry, how: string[]): void {
    const plain = join(this.#root.toString(), `.node-${process.pid}`)
    try {
      execFileSync('mknod', ['-m', '0600', plain, ...how], { stdio: ['ignore', 'ignore', 'pipe'] })
    } catch (error) {
      throw failure('extract', path, error)
    }
    fs.renameSync(plain, to)
    if (how[0] === 'p') this.counts.fifos++
    else this.counts.devices++
  }

  /** Owner, mode and time, in this order, since a new owner takes set-id bits away. */
  #finish({ attr, to }: Entry): void {
    const isLink = (attr.mode & S_IFMT) === S_IFLNK
    if (this.#asRoot) fs.lchownSync(to, attr.uid, attr.gid)
    else if (attr.uid !== process.getuid?.() || attr.gid !== process.getgid?.()) this.lost.owners++
    if (!isLink) fs.chmodSync(to, attr.mode & PERMISSIONS)
    // Seconds as a double: exact to some 200 ns in this century.
    const time = attr.mtimeSec + attr.mtimeNsec / 1e9
    fs.lutimesSync(to, time, time)
  }
}

/** Throws a CommandError unless the directory is new or empty. */
function checkTarget(dir: string): void {
  try {
    if (fs.readdirSync(dir).length > 0) throw new CommandError(`extract: ${dir}: directory is not empty`)
  } catch (error) {
    if (error instanceof CommandError) throw error
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw failure('extract', dir, error)
  }
}

function words(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).filter(([, n]) => n > 0)
  return named.map(([name, n]) => `${n} ${name.replace(/[A-Z]/g, c => ` ${c.toLowerCase()}`)}`).join(', ')
}

export async function extract(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, 'composefs extract --help')
  const [file, to, ...more] = positionals
  if (file === undefined) throw wrongUsage('extract: no image given', 'composefs extract --help')
  if (to === undefined || more.length > 0) throw wrongUsage('extract: give one directory', 'composefs extract --help')
  const limits = limitsGiven(values, 'composefs extract --help')
  const dir = resolve(to)
  checkTarget(dir)
  const image = await new ImageFiles({ limits, devices: values.device }).openAny(file, { digest: values.digest })
  const layer = await layerOf(image, values.basedir)
  let partial = ''
  try {
    partial = fs.mkdtempSync(join(dirname(dir), `.${basename(dir)}.`))
    const progress = await startProgress('extracting', image.superblock.inos)
    const extraction = new Extraction(layer, partial, progress)
    try {
      await extraction.run()
    } finally {
      progress.stop()
    }
    fs.renameSync(partial, dir)
    const { counts, lost } = extraction
    const missing = words(lost)
    const text = `${dir}: ${words(counts)}\n${missing === '' ? '' : `not restored: ${missing}\n`}`
    writeAll(new TextEncoder().encode(values.json ? `${JSON.stringify({ directory: dir, ...counts, lost })}\n` : text))
    return 0
  } catch (error) {
    if (partial !== '') fs.rmSync(partial, { recursive: true, force: true })
    throw error instanceof CommandError ? error : failure('extract', dir, error)
  }
}
