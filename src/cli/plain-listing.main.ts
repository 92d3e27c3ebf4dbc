// Not a command: the process in which the plain decoder lists images for the oracle `plain` (fuzz-oracle-plain.ts). Reads names of files,
// a line each, and answers with a line of JSON each. What the decoder throws is what it says of an image. Not here: the decoder
// (src/fuzz/plain-decoder.ts), what is made of its answers.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { createInterface } from 'node:readline'
import { CONSTANTS } from '../format/structs.js'
import { PlainDecoder, type PlainInode } from '../fuzz/plain-decoder.js'
import { plainXattrs } from '../fuzz/plain-xattrs.js'
import { LISTING_BOUNDS } from './fuzz-listing-bounds.js'
import { writeAll } from './standard-output.js'

const { S_IFMT, S_IFDIR, S_IFLNK, S_IFREG } = CONSTANTS
/** A longer target is no path, and may be a lie of any size. */
const TARGET_MAX = 4096
/** An id that is none is shown as that of nobody. */
const NO_ID = 2 ** 32 - 1
const NOBODY = 65534

function tried(action: () => string): string {
  try {
    return action()
  } catch (error) {
    return `!EIO ${error instanceof Error ? error.message : String(error)}`
  }
}

class Lister {
  readonly entries: Record<string, Record<string, string>> = {}
  cut = false
  readonly #decoder: PlainDecoder
  #count = 0

  constructor(decoder: PlainDecoder) {
    this.#decoder = decoder
  }

  /** Takes an entry in, and what is below it. `find` may throw. */
  visit(path: string, find: () => PlainInode | undefined, depth: number): void {
    if (this.#count++ >= LISTING_BOUNDS.entries) {
      this.cut = true
      return
    }
    let inode: PlainInode | undefined
    const stat = tried(() => {
      inode = find()
      return inode === undefined ? '!ENOENT' : 'ok'
    })
    const facts: Record<string, string> = { stat }
    this.entries[path] = facts
    if (inode === undefined) return
    const { mode, nlink, size } = inode
    const [uid, gid] = [inode.uid, inode.gid].map(id => (id === NO_ID ? NOBODY : id))
    const rdev = inode.isDevice ? inode.unit % 2 ** 32 : 0
    facts['mtime'] = tried(() => String(BigInt(inode?.mtimeSec ?? 0) * 1_000_000_000n + BigInt(inode?.mtimeNsec ?? 0)))
    for (const [name, value] of Object.entries({ mode, nlink, uid, gid, rdev, size })) facts[name] = String(value)
    this.#more(path, inode, facts, depth)
  }

  #more(path: string, inode: PlainInode, facts: Record<string, string>, depth: number): void {
    const type = inode.mode & S_IFMT
    facts['xattrs'] = tried(() => this.#xattrs(inode))
    if (type === S_IFLNK) facts['target'] = tried(() => this.#target(inode))
    if (type === S_IFREG && inode.size <= LISTING_BOUNDS.fileBytes) facts['content'] = tried(() => this.#content(inode))
    if (type !== S_IFDIR) return
    const names: string[] = []
    facts['names'] = tried(() => {
      const found = this.#decoder.readdir(inode).filter(({ nid }) => nid !== 0)
      names.push(...found.map(({ raw }) => raw).sort())
      return names.join('/')
    })
    if (depth >= LISTING_BOUNDS.depth) return
    for (const name of names) this.visit(`${path}/${name}`, () => this.#child(inode, name), depth + 1)
  }

  #child(directory: PlainInode, name: string): PlainInode | undefined {
    const nid = this.#decoder.lookup(directory, name)
    return nid < 0 ? undefined : this.#decoder.inode(nid)
  }

  #target(inode: PlainInode): string {
    if (inode.size > TARGET_MAX) throw new Error('a target longer than a path')
    return this.#decoder.readAll(inode).toString('latin1')
  }

  #content(inode: PlainInode): string {
    return createHash('sha256').update(this.#decoder.readAll(inode)).digest('hex').slice(0, 16)
  }

  /** As the kernel shows them: those of `user` are read of files and directories alone, capabilities are its own to show. */
  #xattrs(inode: PlainInode): string {
    const hasUser = (inode.mode & S_IFMT) === S_IFREG || inode.isDirectory
    const found = [...plainXattrs(this.#decoder, inode)].map(([name, value]) => {
      if (name === 'security.capability') return name
      return `${name}=${!hasUser && name.startsWith('user.') ? '!ENODATA' : value.toString('hex')}`
    })
    return found.sort().join(' ')
  }
}

function listing(path: string): object {
  let decoder: PlainDecoder | undefined
  const refused = tried(() => {
    decoder = new PlainDecoder(fs.readFileSync(path))
    return ''
  })
  if (decoder === undefined) return { refused, entries: {}, cut: false }
  const { root } = decoder
  const lister = new Lister(decoder)
  lister.visit('', () => decoder?.inode(root), 0)
  const { entries, cut } = lister
  return { entries, cut }
}

createInterface({ input: process.stdin }).on('line', path => {
  writeAll(new TextEncoder().encode(`${JSON.stringify(listing(path))}\n`))
})
