// A tree from composefs dump text, as mkcomposefs --from-file reads it (spec composefs-dump.md sections 1 to 3.1). The text
// is unescaped where it lies and becomes the tree's own byte string, so names and payloads are never copied. A line makes
// just one node, line N node N - 1: so an error of a later step still finds its line.
//
// Stricter than libcomposefs where that one is only careless: a malformed GID or RDEV is an error with any UID, a hard link
// may not name a directory, an external file needs a whole digest or none.

import { fromHex } from '../format/hex.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import { ByteArena, sameBytes } from './byte-arena.js'
import { chunkCount } from './chunks.js'
import { DumpFields } from './dump-fields.js'
import { CONTENT_MAX, DIGEST_SIZE, isFileType, NONE, PAYLOAD_MAX, ROOT, Tree } from './tree.js'
import { TreeError } from './tree-error.js'
import { XATTR_SPACE_MAX } from './xattr-table.js'

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR, S_IFBLK } = CONSTANTS
const NEWLINE = 0x0a
const SPACE = 0x20
const SLASH = 0x2f
const DOT = 0x2e
const EQUALS = 0x3d
const BACKSLASH = 0x5c
const XATTR_AREA_MAX = 65535
/** What the arena gets on top of the text, so that adding a little to the tree copies nothing. */
const SLACK = 1 << 12

export interface DumpOptions {
  /** Refuse what only careless writers write (CFS_PARSE_STRICT of libcomposefs). */
  readonly strict?: boolean
}

/** Bytes for a dump of `size` bytes to be read into, for treeFromOwnDump. */
export function dumpBuffer(size: number): Uint8Array {
  return new Uint8Array(size + SLACK)
}

/** Reads a dump. Throws a TreeError with line and field. */
export function treeFromDump(text: Uint8Array | string, options: DumpOptions = {}): Tree {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const own = dumpBuffer(bytes.length)
  own.set(bytes)
  return treeFromOwnDump(own, bytes.length, options)
}

/** The same of bytes that become the tree's own, the first `length` of them being the dump; see dumpBuffer. */
export function treeFromOwnDump(bytes: Uint8Array, length: number, options: DumpOptions = {}): Tree {
  return new DumpSource(bytes, length, options.strict === true).read()
}

class DumpSource {
  readonly #bytes: Uint8Array
  readonly #length: number
  readonly #strict: boolean
  readonly #fields: DumpFields
  readonly #tree: Tree
  /** Hard links and where the path of their target lies. */
  readonly #links: number[] = []
  /** Directory that the last entry was in, and where its path lies as it was written; no such path when negative. */
  #directory = ROOT
  #directoryFrom = -1
  #directoryTo = -1
  /** The last entry likewise: what comes next is often inside it. */
  #lastFrom = -1
  #lastTo = -1

  constructor(bytes: Uint8Array, length: number, strict: boolean) {
    this.#bytes = bytes
    this.#length = length
    this.#strict = strict
    this.#fields = new DumpFields(bytes, length)
    this.#tree = new Tree(new ByteArena(bytes, length))
  }

  read(): Tree {
    const fields = this.#fields
    const text = this.#bytes.subarray(0, this.#length)
    const firstNul = text.indexOf(0)
    const unterminated = this.#strict && text.at(-1) !== NEWLINE
    let at = 0
    for (const stop = firstNul < 0 ? this.#length : firstNul; at < stop; at = fields.end() + 1) {
      fields.begin(at)
      this.#entry()
    }
    const { line } = fields
    if (firstNul >= 0) {
      throw new TreeError('EINVAL', 'NUL byte', { line: at > firstNul ? line : line + 1, field: 'PATH' })
    }
    if (this.#tree.count === 0) throw new TreeError('EINVAL', 'no files: the dump is empty', { line: 1, field: 'PATH' })
    if (unterminated) throw fields.error('XATTR', 'the last line has no newline')
    this.#resolveLinks()
    return this.#tree
  }

  #entry(): void {
    const fields = this.#fields
    const tree = this.#tree
    fields.cString('PATH')
    const { from, to } = fields
    // Which fields there are depends on the mode behind the size.
    let badSize: unknown
    try {
      fields.integer('SIZE')
    } catch (error) {
      badSize = error
      fields.skip()
    }
    const { low: sizeLow, high: sizeHigh } = fields
    const hardLink = fields.mode('MODE')
    const mode = fields.low
    if (!isFileType(mode)) throw fields.error('MODE', `${mode.toString(8)} has no file type`)
    const node = this.#place(from, to, mode)
    if (hardLink) {
      this.#hardLink(node, mode)
      return
    }
    if (badSize !== undefined) throw badSize
    tree.sizeLow[node] = sizeLow
    tree.sizeHigh[node] = sizeHigh
    fields.integer('NLINK')
    tree.nlink[node] = fields.low
    fields.integer('UID')
    tree.uid[node] = fields.low
    fields.integer('GID')
    tree.gid[node] = fields.low
    fields.integer('RDEV')
    const type = mode & S_IFMT
    if (type === S_IFCHR || type === S_IFBLK) tree.rdev[node] = fields.low
    else if (this.#strict && fields.low !== 0) throw fields.error('RDEV', 'a device number on what is no device')
    fields.integer('MTIME', DOT)
    tree.mtimeLow[node] = fields.low
    tree.mtimeHigh[node] = fields.high
    fields.integer('MTIME')
    tree.mtimeNsec[node] = fields.low
    this.#payload(node, type, sizeLow, sizeHigh)
    this.#content(node, type, sizeLow, sizeHigh)
    this.#digest(node, type)
    this.#xattrs(node)
  }

  /** Adds the node that a path names. */
  #place(from: number, to: number, mode: number): number {
    const fields = this.#fields
    const bytes = this.#bytes
    if (to === from) throw fields.error('PATH', 'empty path')
    if (to - from === 1 && bytes[from] === SLASH) {
      if ((mode & S_IFMT) !== S_IFDIR) throw fields.error('MODE', 'the root must be a directory')
      if (this.#tree.count > 0) throw fields.error('PATH', 'there is a root already')
      return this.#tree.addRoot(mode)
    }
    if (this.#tree.count === 0) throw fields.error('PATH', 'the first entry must be the root')
    let slash = to - 1
    while (slash >= from && bytes[slash] !== SLASH) slash--
    const parent = this.#parent(from, slash)
    try {
      const node = this.#tree.add(parent, bytes, slash + 1, to, mode)
      this.#lastFrom = from
      this.#lastTo = to
      return node
    } catch (error) {
      throw fields.error('PATH', error instanceof TreeError ? error.why : String(error), error)
    }
  }

  /** The directory whose path ends before `slash`, which lies before `from` where there is no slash. */
  #parent(from: number, slash: number): number {
    if (slash < from) return ROOT
    const length = slash - from
    const bytes = this.#bytes
    if (length === this.#directoryTo - this.#directoryFrom) {
      if (sameBytes(bytes, from, bytes, this.#directoryFrom, length)) return this.#directory
    }
    let node: number
    if (length === this.#lastTo - this.#lastFrom && sameBytes(bytes, from, bytes, this.#lastFrom, length)) {
      node = this.#tree.count - 1
    } else node = this.#tree.lookup(bytes, from, slash)
    if (node === NONE) throw this.#fields.error('PATH', 'parent directory missing')
    this.#directory = node
    this.#directoryFrom = from
    this.#directoryTo = slash
    return node
  }

  #hardLink(node: number, mode: number): void {
    const fields = this.#fields
    if ((mode & S_IFMT) === S_IFDIR) throw fields.error('MODE', 'a directory can not be hard linked')
    for (let i = 0; i < 5; i++) fields.skip()
    fields.cString('PAYLOAD')
    // Resolved at the end: the target may come later.
    this.#links.push(node, fields.absent ? NONE : fields.from, fields.to)
  }

  #payload(node: number, type: number, sizeLow: number, sizeHigh: number): void {
    const fields = this.#fields
    const tree = this.#tree
    fields.cString('PAYLOAD')
    const { from, to } = fields
    const symlink = type === S_IFLNK
    if (symlink && (fields.absent || to === from)) throw fields.error('PAYLOAD', 'a symlink needs a target')
    if (fields.absent) return
    if (to - from > PAYLOAD_MAX) throw fields.error('PAYLOAD', `${to - from} bytes, more than ${PAYLOAD_MAX}`)
    if (symlink && this.#strict && (sizeHigh !== 0 || sizeLow !== to - from)) {
      throw fields.error('SIZE', `${tree.size(node)} for a symlink to ${to - from} bytes`)
    }
    tree.setPayload(node, this.#bytes, from, to)
  }

  #content(node: number, type: number, sizeLow: number, sizeHigh: number): void {
    const fields = this.#fields
    fields.text('CONTENT')
    if (fields.absent) return
    const length = fields.to - fields.from
    if (sizeHigh !== 0 || length !== sizeLow) throw fields.error('CONTENT', `${length} bytes where SIZE says otherwise`)
    if (type === S_IFLNK) {
      if (this.#strict && length > 0) throw fields.error('CONTENT', 'a symlink can not have content')
      return
    }
    if (length > CONTENT_MAX) throw fields.error('CONTENT', `${length} bytes, more than ${CONTENT_MAX}`)
    this.#tree.setContent(node, this.#bytes, fields.from, fields.to)
  }

  #digest(node: number, type: number): void {
    const fields = this.#fields
    const tree = this.#tree
    const external =
      type === S_IFREG && (tree.sizeLow[node] | tree.sizeHigh[node]) !== 0 && tree.contentAt[node] === NONE
    if (external && chunkCount(tree.sizeLow[node], tree.sizeHigh[node]) < 0) {
      throw new TreeError('EFBIG', 'file too large', { line: fields.line, field: 'SIZE', node })
    }
    if (fields.hex(DIGEST_SIZE)) {
      tree.setDigest(node, this.#bytes, fields.from)
      return
    }
    fields.cString('DIGEST')
    if (fields.absent) return
    // Its digits may have been escaped.
    const digest = fromHex(binaryString(this.#bytes.subarray(fields.from, fields.to)).slice(0, 2 * DIGEST_SIZE))
    if (digest?.length === DIGEST_SIZE) tree.setDigest(node, digest, 0)
    else if (external) throw fields.error('DIGEST', 'not 64 hex digits')
  }

  #xattrs(node: number): void {
    const fields = this.#fields
    const bytes = this.#bytes
    const from = fields.next()
    if (from < 0) return
    const end = fields.end()
    if (end - from > XATTR_AREA_MAX) throw fields.error('XATTR', `${end - from} bytes, more than ${XATTR_AREA_MAX}`)
    for (let at = from; at < end; ) {
      let equals = -1
      let escapedKey = false
      let escaped = false
      let to = at
      for (; to < end; to++) {
        const byte = bytes[to]
        if (byte === SPACE) break
        if (byte === EQUALS && equals < 0) {
          equals = to
          escapedKey = escaped
          escaped = false
        } else if (byte === BACKSLASH) escaped = true
      }
      if (equals < 0) throw fields.error('XATTR', 'no = in it')
      const keyTo = escapedKey ? fields.upToNul(at, fields.unescape(at, equals, 'XATTR')) : equals
      const valueTo = escaped ? fields.unescape(equals + 1, to, 'XATTR') : to
      this.#setXattr(node, at, keyTo, equals + 1, valueTo)
      at = to + 1
    }
    fields.finish(end)
  }

  #setXattr(node: number, keyFrom: number, keyTo: number, valueFrom: number, valueTo: number): void {
    const { xattrs } = this.#tree
    try {
      xattrs.set(node, xattrs.pair(this.#bytes, keyFrom, keyTo, valueFrom, valueTo), XATTR_SPACE_MAX)
    } catch (error) {
      throw this.#fields.error('XATTR', error instanceof TreeError ? error.why : String(error), error)
    }
  }

  /** Last line first, as mkcomposefs does: so it decides which of two wrong lines is named. */
  #resolveLinks(): void {
    const tree = this.#tree
    for (let i = this.#links.length - 3; i >= 0; i -= 3) {
      const node = this.#links[i]
      const from = this.#links[i + 1]
      const place = { line: node + 1, field: 'PAYLOAD', node }
      if (from === NONE) throw new TreeError('EINVAL', 'a hard link needs a target', place)
      const target = tree.lookup(this.#bytes, from, this.#links[i + 2])
      if (target === NONE) throw new TreeError('ENOENT', 'no target of that path', place)
      try {
        tree.setLink(node, target)
      } catch (error) {
        if (!(error instanceof TreeError)) throw error
        throw new TreeError(error.code, error.why, { ...place, cause: error })
      }
    }
  }
}
