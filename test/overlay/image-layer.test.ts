// An image with a store: where its external files' data comes from, and what happens when it does not come.
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, type Outcome } from '../../src/format/errno.js'
import { INODE_COMPACT, INODE_EXTENDED, RECORD_FLAGS } from '../../src/format/structs.js'
import { ImageLayer, type Verity } from '../../src/overlay/image-layer.js'
import { newAttr, type OpenFile } from '../../src/overlay/layer.js'
import { DirectoryStore } from '../../src/store/directory.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { loaded, newPool, sha256 } from '../helpers/core.js'
import { find, setField, small, write } from '../helpers/mutate.js'
import { fixture } from '../helpers/paths.js'

const layers = suite('an image with its store')
const pool = newPool()

function layerOf(bytes: Uint8Array, objects?: string, verity: Verity = 'on'): ImageLayer {
  const verified = objects === undefined ? undefined : new VerifiedObjects(new DirectoryStore(objects), sha256)
  return new ImageLayer(loaded(pool, bytes), verified, verity)
}

function opened(layer: ImageLayer, path: string): Outcome<OpenFile> {
  const node = layer.resolve(path, true)
  return node instanceof Fault ? node : layer.open(node, true)
}

function content(layer: ImageLayer, path: string): Outcome<Uint8Array> {
  const file = opened(layer, path)
  return file instanceof Fault ? file : file.readAll(true)
}

/** The first external file of the image: its path, its redirect, its object's name. */
function firstExternal(): { path: string; redirect: string; at: number } {
  const layer = layerOf(small(), fixture('objects'))
  const walk = (dir: string): string | undefined => {
    const node = layer.resolve(dir === '' ? '/' : dir, true)
    if (node instanceof Fault) throw new Error(`${dir}: ${node.code}`)
    const list = layer.readdir(node)
    if (list instanceof Fault) throw new Error(`${dir}: ${list.code}`)
    for (const [i, name] of list.names.entries()) {
      const path = `${dir}/${name}`
      const attr = newAttr()
      layer.statPath(path, false, attr)
      const found = list.types[i] === 4 ? walk(path) : list.types[i] === 8 && attr.size > 64 ? path : undefined
      if (found !== undefined) return found
    }
    return undefined
  }
  const path = walk('') ?? ''
  const node = layer.resolve(path, true)
  if (node instanceof Fault) throw new Error(path)
  const value = layer.image.core.xattr(node.nid, 4, 'overlay.redirect')
  if (typeof value === 'number') throw new Error(`${path} has no redirect`)
  const redirect = Buffer.from(value).toString()
  return { path, redirect, at: find(small(), redirect) }
}

const { path, redirect, at } = firstExternal()
const object = redirect.slice(1)

function withStore(run: (store: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), 'composefs-wasm-'))
  try {
    cpSync(fixture('objects'), join(dir, 'objects'), { recursive: true })
    run(join(dir, 'objects'))
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function fails(outcome: Outcome<unknown>, code: string, words?: RegExp | string): Fault {
  assert.instance(outcome, Fault)
  const fault = outcome as Fault
  assert.is(fault.code, code, fault.detail)
  if (words !== undefined) assert.match(fault.detail, words)
  return fault
}

layers('serves the object that the redirect names', () => {
  const read = content(layerOf(small(), fixture('objects')), path)
  assert.equal(Buffer.from(read as Uint8Array), readFileSync(join(fixture('objects'), object)))
})

layers('without a store, names and inline files work and an external file names its object', () => {
  const layer = layerOf(small())
  assert.is(layer.statPath(path, true, newAttr()), undefined)
  fails(opened(layer, path), 'ENOENT', object)
  assert.is((content(layer, '/awkward/inline/64') as Uint8Array).length, 64)
})

layers('a missing object is ENOENT at open, naming it, and everything else goes on', () => {
  withStore(store => {
    unlinkSync(join(store, object))
    const layer = layerOf(small(), store)
    assert.is(layer.statPath(path, true, newAttr()), undefined)
    fails(opened(layer, path), 'ENOENT', object)
    assert.is((content(layer, '/awkward/inline/64') as Uint8Array).length, 64)
  })
})

layers('an altered object is EIO at the first read, with both digests', () => {
  withStore(store => {
    const file = join(store, object)
    const bytes = readFileSync(file)
    bytes[0] ^= 1
    writeFileSync(file, bytes)
    const open = opened(layerOf(small(), store), path)
    assert.not.instance(open, Fault)
    const fault = fails((open as OpenFile).readAll(true), 'EIO', object)
    const { expected, actual } = fault.cause as { expected: string; actual: string }
    assert.is(expected, object.replace('/', ''))
    assert.match(actual, /^[0-9a-f]{64}$/)
    assert.is.not(actual, expected)
    assert.equal(new Uint8Array(content(layerOf(small(), store, 'off'), path) as Uint8Array), new Uint8Array(bytes))
  })
})

layers('an object of another size is EIO, digest or not', () => {
  withStore(store => {
    truncateSync(join(store, object), 10)
    fails(content(layerOf(small(), store), path), 'EIO')
    fails(content(layerOf(small(), store, 'off'), path), 'EIO')
  })
})

layers('an object that is a symlink is ENOENT, a directory on its way that is one ELOOP', () => {
  withStore(store => {
    unlinkSync(join(store, object))
    symlinkSync('/etc/passwd', join(store, object))
    fails(opened(layerOf(small(), store), path), 'ENOENT')
  })
  withStore(store => {
    const dir = join(store, object.slice(0, 2))
    rmSync(dir, { recursive: true })
    symlinkSync(join(fixture('objects'), object.slice(0, 2)), dir)
    fails(opened(layerOf(small(), store), path), 'ELOOP')
  })
})

layers('a redirect that leaves the store is EXDEV, one with an empty component EINVAL', () => {
  const out = write(small(), at, `/../../${'x'.repeat(redirect.length - 7)}`)
  fails(opened(layerOf(out, fixture('objects')), path), 'EXDEV')
  fails(opened(layerOf(out), path), 'EXDEV')
  fails(opened(layerOf(write(small(), at + 3, '//'), fixture('objects')), path), 'EINVAL')
  fails(opened(layerOf(write(small(), at, 'x'), fixture('objects')), path), 'EIO', 'absolute')
})

layers('metacopy without redirect is EIO', () => {
  const name = at - 'overlay.redirect'.length
  assert.is(Buffer.from(small().slice(name, at)).toString(), 'overlay.redirect')
  fails(opened(layerOf(write(small(), name, 'overlay.redirecX'), fixture('objects')), path), 'EIO', 'without redirect')
})

layers('a digest in the image that its object does not have is EIO', () => {
  const digest = Buffer.from(object.replace('/', ''), 'hex').toString('latin1')
  const lie = write(small(), find(small(), digest), String.fromCharCode(digest.charCodeAt(0) ^ 1))
  fails(content(layerOf(lie, fixture('objects')), path), 'EIO')
})

layers('a size in the image that its object does not have is EIO, and nothing is allocated by it', () => {
  const layer = layerOf(small())
  const node = layer.resolve(path, true)
  if (node instanceof Fault) throw new Error(node.code)
  layer.image.core.stat(node.nid)
  const extended = (layer.image.core.flags() & RECORD_FLAGS.RF_EXTENDED) !== 0
  const field = extended ? INODE_EXTENDED.fields.i_size : INODE_COMPACT.fields.i_size
  const lie = setField(small(), layer.image.core.position(), field, 2 ** (8 * field.width - 2))
  fails(content(layerOf(lie, fixture('objects')), path), 'EIO')
})

layers('lookups go down and up by inode, and refuse what is no directory', () => {
  const layer = layerOf(small())
  const awkward = layer.lookup(layer.root, 'awkward')
  if (awkward instanceof Fault) throw new Error(awkward.code)
  const inline = layer.lookup(awkward, Buffer.from('inline'))
  if (inline instanceof Fault) throw new Error(inline.code)
  const up = layer.lookup(inline, '..')
  assert.is((up as { nid: number }).nid, awkward.nid)
  const byPath = layer.resolve('/awkward/inline', true)
  if (byPath instanceof Fault) throw new Error(byPath.code)
  assert.is((layer.lookup(byPath, '..') as { nid: number }).nid, awkward.nid)
  assert.is((layer.lookup(layer.root, '..') as { nid: number }).nid, layer.root.nid)
  fails(layer.lookup(awkward, 'nothing'), 'ENOENT')
  fails(layer.lookup(awkward, 'x'.repeat(256)), 'ENAMETOOLONG')
  const file = layer.lookup(inline, '64')
  if (file instanceof Fault) throw new Error(file.code)
  fails(layer.lookup(file, 'x'), 'ENOTDIR')
  fails(layer.resolve('', true), 'ENOENT')
  fails(layer.resolve('/awkward/inline/64/', true), 'ENOTDIR')
  fails(layer.resolve(`/${'x/'.repeat(2048)}`, true), 'ENAMETOOLONG')
  fails(layer.resolve('/awkward/links/loop1', true), 'ELOOP')
})

layers.run()
