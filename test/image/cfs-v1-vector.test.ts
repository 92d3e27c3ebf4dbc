// The shared vector of cfs v1, by mkcomposefs 0.1.2: the same tree as vectors/composefs/tree.* and vectors/erofs/*, which
// the C tool's dump and the kernel's truth file describe. What the two formats say differently is left out by name.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeDumpFields, writeEscaped } from '../../src/format/dump-text.js'
import { Fault } from '../../src/format/errno.js'
import { toHex } from '../../src/format/hex.js'
import { TextBuffer } from '../../src/format/text-buffer.js'
import { verityDigest } from '../../src/format/verity.js'
import type { Image } from '../../src/image/image.js'
import { TreeEntries } from '../../src/image/tree-entries.js'
import { MemoryStore, mountSync, openImageSync } from '../../src/node.js'
import { sha256 } from '../helpers/core.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { compareTruth, readTruth, type TruthEntry, type TruthFs, walkTruth } from '../helpers/truth.js'

const vectors = suite('the vector of cfs v1')

interface Line {
  readonly path: string
  /** Mode, nlink, uid, gid, rdev, mtime. */
  readonly numbers: string
  readonly directory: boolean
  readonly size: string
  readonly payload: string
  readonly digest: string
  readonly xattrs: readonly string[]
}

function parse(dump: string): Line[] {
  return dump
    .trimEnd()
    .split('\n')
    .map(line => {
      const [path, size, mode, nlink, uid, gid, rdev, mtime, payload, , digest, ...xattrs] = line.split(' ')
      const numbers = [mode, nlink, uid, gid, rdev, mtime].join(' ')
      return { path, numbers, directory: mode.startsWith('4'), size, payload, digest, xattrs: xattrs.sort() }
    })
}

function dumpOf(image: Image): string {
  const entries = TreeEntries.open(image)
  if (entries instanceof Fault) throw new Error(`${entries.code} ${entries.detail}`)
  const out = new TextBuffer()
  for (;;) {
    const more = entries.next()
    if (more instanceof Fault) throw new Error(`${more.code} ${more.detail}`)
    if (!more) return Buffer.from(out.content()).toString('latin1')
    writeEscaped(out, entries.path, 0, entries.pathLength)
    writeDumpFields(out, entries)
  }
}

/** A store with the content of every regular file below `/` of an `fs`, named as mkcomposefs does. */
function storeOf(fs: TruthFs): MemoryStore {
  const objects = new Map<string, Uint8Array>()
  const queue = [Buffer.from('/')]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const prefix = path.length === 1 ? path : Buffer.concat([path, Buffer.from('/')])
    for (const name of fs.readdirSync(path, { encoding: 'buffer' })) {
      const child = Buffer.concat([prefix, name])
      const type = Number(fs.lstatSync(child, { bigint: true }).mode) & 0o170000
      if (type === 0o040000) queue.push(child)
      if (type !== 0o100000) continue
      const content = fs.readFileSync(child)
      const digest = toHex(verityDigest(content, sha256))
      objects.set(`${digest.slice(0, 2)}/${digest.slice(2)}`, content)
    }
  }
  return new MemoryStore(objects)
}

/** mkcomposefs 0.1.2 takes every name of a file for a file of its own. */
function withoutHardLinks(entries: readonly TruthEntry[]): TruthEntry[] {
  return entries.map(entry => ({ ...entry, nlink: entry.mode.startsWith('4') ? entry.nlink : 1 }))
}

if (SHARED === undefined) skip(vectors, 'all of it', 'there are no shared vectors beside this checkout')
else {
  const image = openImageSync(readFileSync(vector('cfs-v1/tree.cfs-v1')))

  vectors('its dump names what the dump of the EROFS image names', () => {
    const actual = parse(dumpOf(image))
    const wanted = parse(readFileSync(vector('composefs/tree.dump'), 'latin1'))
    assert.ok(wanted.length > 800)
    assert.equal(
      actual.map(({ path, numbers }) => `${path} ${numbers}`),
      wanted.map(({ path, numbers }) => `${path} ${numbers}`),
    )
    wanted.forEach((line, i) => {
      const { path, size, payload, digest, xattrs } = actual[i]
      const isLink = line.numbers.startsWith('120')
      // A directory's size is that of the file system that it was read from; EROFS has its own.
      if (!line.directory) assert.is(size, line.size, path)
      if (isLink) assert.is(payload, line.payload, path)
      // What EROFS holds inline is an object here.
      if (!isLink && line.payload !== '-') assert.equal([payload, digest], [line.payload, line.digest], path)
      // 1.0.8 marks a directory with whiteouts in it; its dump shows that.
      if (path !== '/special') assert.equal(xattrs, line.xattrs, path)
    })
  })

  vectors('mounted, with every digest required, it is what the kernel shows of the same tree by mkfs.erofs', () => {
    const erofs = mountSync(gunzipSync(readFileSync(vector('erofs/plain.erofs.gz'))))
    const store = storeOf(erofs.fs as unknown as TruthFs)
    erofs.unmount()
    const m = mountSync(image, { store, verity: 'require' })
    const truth = withoutHardLinks(readTruth(vector('erofs/tree.truth.jsonl.gz')))
    // The tree that mkfs.erofs read had been copied up by an overlay.
    const origin = '/special: xattr trusted.overlay.origin: expected , got none'
    const differences = compareTruth(truth, walkTruth(m.fs as unknown as TruthFs))
    assert.equal(
      differences.filter(line => line !== origin),
      [],
    )
    m.unmount()
  })

  vectors('every ctime is of the hour in which the tree was made, whatever its mtime', () => {
    const m = mountSync(image)
    let seen = 0
    // The root was last changed when the tree was complete.
    const made = Number(m.fs.lstatSync('/', { bigint: true }).mtimeNs / 1_000_000_000n)
    for (const { path } of image.entries()) {
      if (path.includes('\uFFFD')) continue
      const { ctimeNs, mtimeNs, atimeNs } = m.fs.lstatSync(path, { bigint: true })
      assert.is(atimeNs, mtimeNs, path)
      assert.ok(Math.abs(Number(ctimeNs / 1_000_000_000n) - made) < 3600, `${path}: ${ctimeNs}`)
      seen++
    }
    assert.ok(seen > 800)
    m.unmount()
  })
}

vectors.run()
