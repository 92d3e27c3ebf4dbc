// cfs v1 images: the two of the spec, what they say by every question, and random trees against the encoder's own model.
import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault } from '../../src/format/errno.js'
import { CONSTANTS } from '../../src/format/structs.js'
import { TreeEntries } from '../../src/image/tree-entries.js'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import { newAttr } from '../../src/overlay/layer.js'
import { type CfsNode, cfsNode, encodeCfs, isDirectory } from '../helpers/cfs-v1-encoder.js'
import { childOf, linkedTree, pathsOf, randomTree, seeded, vectorTree } from '../helpers/cfs-v1-trees.js'
import { loaded, newPool } from '../helpers/core.js'

const VECTOR_1 = 'ae758e80f2e05ef5dfc4b243371039eef69a86f2e51c39853fdf456daeba2118'
const VECTOR_2 = '64f26464f258ebbd33b8c52c225c4a997599a3dd913094a03ae3cbf484401b82'
const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR, S_IFBLK } = CONSTANTS

const cfs = suite('cfs v1')
const pool = newPool()

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const utf8 = (text: string) => Buffer.from(text, 'utf8')

function layerOf(root: CfsNode): ImageLayer {
  return new ImageLayer(loaded(pool, encodeCfs(root).bytes), undefined, 'on')
}

function must<T>(outcome: T | Fault, what: string): T {
  if (outcome instanceof Fault) throw new Error(`${what}: ${outcome.code} ${outcome.detail}`)
  return outcome
}

cfs('the encoder of these tests reproduces both vectors of the spec', () => {
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
  const first = encodeCfs(vectorTree())
  assert.is(first.bytes.length, 825)
  assert.is(first.vdata, 0x2c0)
  assert.is(sha256(first.bytes), VECTOR_1)
  assert.is(sha256(encodeCfs(linkedTree()).bytes), VECTOR_2)
})

cfs('format, view and facts', () => {
  const image = loaded(pool, encodeCfs(vectorTree()).bytes)
  assert.is(image.format, 'cfs-v1')
  assert.is(image.version, undefined)
  assert.is(image.rootNid, 0)
  assert.is(image.superblock.inos, 6)
  assert.is(image.view.hideDev0, false)
  const layer = new ImageLayer(image, undefined, 'on')
  assert.is(layer.statfs().type, 0xc078629a)
  image.close()
  assert.is((layer.resolve('/a', true) as Fault).code, 'ESTALE')
})

cfs('an image that is only an empty directory is read', () => {
  const layer = layerOf(cfsNode(S_IFDIR | 0o755, { size: 10 }))
  assert.is(layer.image.byteLength, 224)
  assert.equal(must(layer.readdir(layer.root), '/').names, [])
  assert.equal(layer.namesAt('/'), [])
  assert.is((layer.resolve('/a', true) as Fault).code, 'ENOENT')
  assert.equal(
    [...layer.image.entries()].map(({ path, nlink, size }) => [path, nlink, size]),
    [['/', 2, 10]],
  )
})

cfs('the first vector by every question', () => {
  const layer = layerOf(vectorTree())
  assert.equal(must(layer.readdir(layer.root), '/').names, ['a', 'b', 'd', 'e', 'w'])
  assert.equal(Array.from(must(layer.readdir(layer.root), '/').types), [8, 10, 4, 8, 2])
  const attr = newAttr()
  assert.is(layer.statPath('/a', true, attr), undefined)
  const { ino, mode, nlink, size, mtimeSec, mtimeNsec, atimeSec, atimeNsec, ctimeSec, ctimeNsec } = attr
  assert.equal([ino, mode, nlink, size], [1, 0o100644, 1, 5])
  assert.equal([mtimeSec, mtimeNsec, atimeSec, atimeNsec, ctimeSec, ctimeNsec], [1, 2, 1, 2, 3, 4])
  const link = must(layer.resolve('/b', false), '/b')
  assert.is(latin1(must(layer.readlink(link), '/b')), 'objs/x')
  assert.is((layer.resolve('/b', true) as Fault).code, 'ENOENT')
  const file = must(layer.resolve('/a', true), '/a')
  assert.equal(must(layer.listxattr(file), '/a').map(latin1), ['user.k'])
  assert.is(latin1(must(layer.getxattr(file, 'user.k'), '/a')), 'v')
  assert.is((layer.getxattr(file, 'user.kk') as Fault).code, 'ENODATA')
  assert.is((layer.getxattr(link, 'user.k') as Fault).code, 'ENODATA')
  assert.is((layer.readlink(file) as Fault).code, 'EINVAL')
  assert.is((layer.resolve('/a/x', true) as Fault).code, 'ENOTDIR')
  assert.is((layer.resolve('/a/', true) as Fault).code, 'ENOTDIR')
  assert.is(layer.statPath('/w', true, attr), undefined)
  assert.equal([attr.mode, attr.rdev], [0o020644, 0])
  const empty = must(layer.open(must(layer.resolve('/e', true), '/e'), true), '/e')
  assert.is(must(empty.readAll(true), '/e').length, 0)
})

cfs('a hard link is one inode, and the tree names it by its first path', () => {
  const image = loaded(pool, encodeCfs(linkedTree()).bytes)
  const entries = must(TreeEntries.open(image), 'tree')
  const found: string[] = []
  for (let more = entries.next(); more === true; more = entries.next()) {
    const { payload, digest, nlink, hardLink } = entries
    const path = latin1(entries.path.subarray(0, entries.pathLength))
    const to = payload.from < 0 ? '-' : latin1(payload.bytes.subarray(payload.from, payload.to))
    found.push(`${path} ${nlink} ${hardLink ? '@' : ''}${to} ${digest.to - digest.from} ${entries.ctimeLow}`)
  }
  assert.equal(found, [
    '/ 3 - 0 3',
    '/a 2 objs/x 32 3',
    '/b 1 objs/x 0 3',
    '/d 2 - 0 3',
    '/d/hl 2 @/a 32 3',
    '/e 1 - 0 3',
    '/w 1 - 0 3',
  ])
})

cfs('nothing is escaped, hidden or dropped: xattrs are shown under the names that they have', () => {
  const names = [
    'trusted.overlay.redirect',
    'trusted.overlay.metacopy',
    'trusted.overlay.opaque',
    'trusted.overlay.overlay.whiteout',
    'user.overlay.whiteouts',
    'lustre.lov',
    'noprefix',
    'system.posix_acl_access',
    'security.selinux',
  ].sort()
  const xattrs = names.map(name => [utf8(name), utf8(`of ${name}`)] as [Buffer, Buffer])
  const file = cfsNode(S_IFREG | 0o644, { xattrs })
  const layer = layerOf(cfsNode(S_IFDIR | 0o755, { children: [[utf8('f'), file]] }))
  const node = must(layer.resolve('/f', true), '/f')
  assert.equal(must(layer.listxattr(node), '/f').map(latin1), names)
  for (const name of names) assert.is(latin1(must(layer.getxattr(node, name), name)), `of ${name}`)
  const entries = must(TreeEntries.open(layer.image), 'tree')
  entries.next()
  entries.next()
  const found = entries.xattrs.slice(0, entries.xattrCount).map(({ prefix, name, value }) => {
    const key = latin1(prefix) + latin1(name.bytes.subarray(name.from, name.to))
    return [key, latin1(value.bytes.subarray(value.from, value.to))]
  })
  assert.equal(
    found,
    names.map(name => [name, `of ${name}`]),
  )
})

cfs('device numbers are decoded as the tool wrote them', () => {
  // Major 0x123, minor 0xabcde: minor bits 0…7 and 20…31, major bits 8…19.
  const rdev = (0xabc << 20) | (0x123 << 8) | 0xde
  const device = cfsNode(S_IFBLK | 0o600, { rdev: rdev >>> 0 })
  const layer = layerOf(cfsNode(S_IFDIR | 0o755, { children: [[utf8('dev'), device]] }))
  const attr = newAttr()
  layer.statPath('/dev', true, attr)
  assert.is((attr.rdev >>> 8) & 0xfff, 0x123)
  assert.is((attr.rdev & 0xff) | ((attr.rdev >>> 12) & 0xfff00), 0xabcde)
})

cfs('a directory of more entries than a batch holds', () => {
  const children = Array.from({ length: 12_000 }, (_, i) => {
    const child = i % 100 === 0 ? cfsNode(S_IFDIR | 0o755) : cfsNode(S_IFREG | 0o644)
    return [utf8(`${String(i).padStart(6, '0')}${'x'.repeat(i % 200)}`), child] as [Buffer, CfsNode]
  })
  const layer = layerOf(cfsNode(S_IFDIR | 0o755, { children }))
  const names = children.map(([name]) => latin1(name))
  assert.equal(must(layer.readdir(layer.root), '/').names, names)
  assert.equal(layer.namesAt('/'), names)
  assert.is([...layer.image.entries()].length, 12_001)
  const attr = newAttr()
  for (const name of [...names, ...names.reverse()]) assert.is(layer.statPath(`/${name}`, false, attr), undefined)
  for (const name of ['', '0060000', 'y', '011999'].map(it => `/0${it}`))
    assert.is((layer.resolve(name, true) as Fault).code, 'ENOENT', name)
})

/** What the layer says of a path, next to the model. */
function same(layer: ImageLayer, path: Buffer, node: CfsNode, nlink: number): void {
  const what = latin1(path)
  const attr = newAttr()
  assert.is(layer.statPath(path, false, attr), undefined, what)
  const type = node.mode & S_IFMT
  const isDevice = type === S_IFCHR || type === S_IFBLK
  const wanted = [node.mode, nlink, node.size, node.gid, isDevice ? node.rdev : 0]
  assert.equal([attr.mode, attr.nlink, attr.size, attr.gid, attr.rdev], wanted, what)
  assert.equal([BigInt(attr.mtimeSec), attr.mtimeNsec], [...node.mtime], what)
  assert.equal([BigInt(attr.ctimeSec), attr.ctimeNsec], [...node.ctime], what)
  const found = must(layer.resolve(path, false), what)
  const names = node.children.map(([name]) => latin1(name)).sort()
  if (isDirectory(node)) {
    const list = must(layer.readdir(found), what)
    assert.equal(
      list.names.map((name, i) => latin1(list.raw?.get(i) ?? utf8(name))),
      names,
      what,
    )
  }
  if (type === S_IFLNK) assert.is(latin1(must(layer.readlink(found), what)), latin1(node.payload ?? utf8('')), what)
  const xattrs = node.xattrs.map(([key, value]) => [latin1(key), latin1(value)]).sort()
  const listed = must(layer.listxattr(found), what)
  assert.equal(
    listed.map(latin1).sort(),
    xattrs.map(([key]) => key),
    what,
  )
  const holdsUser = isDirectory(node) || type === S_IFREG
  for (const [key, value] of xattrs) {
    const got = layer.getxattr(found, Buffer.from(key, 'latin1'))
    // As the kernel has it, whatever the format.
    if (key.startsWith('user.') && !holdsUser) assert.is((got as Fault).code, 'ENODATA', what)
    else assert.is(latin1(must(got, what)), value, what)
  }
}

for (const [count, rounds] of [
  [1, 20],
  [30, 60],
  [300, 10],
  [2000, 4],
] as const) {
  cfs(`random images of about ${count} entries say what their model says`, () => {
    for (let round = 0; round < rounds; round++) {
      const root = randomTree(count, seeded(count * 1000 + round * 7919 + 1))
      const { bytes, nodes, nlinks } = encodeCfs(root)
      const layer = new ImageLayer(loaded(pool, bytes), undefined, 'on')
      const all = pathsOf(root)
      for (const [path, node] of all) same(layer, path, node, nlinks[nodes.indexOf(node)])
      const swept = [...layer.image.entries()]
      assert.is(swept.length, all.length)
      const modes = new Map(nodes.map((node, i) => [i, node.mode]))
      for (const { ino, mode } of swept) assert.is(mode, modes.get(ino))
      treeSays(layer, all)
      layer.image.close()
    }
  })
}

function treeSays(layer: ImageLayer, all: readonly [Buffer, CfsNode][]): void {
  const entries = must(TreeEntries.open(layer.image), 'tree')
  const first = new Map<CfsNode, string>()
  for (const [path, node] of all) {
    assert.is(entries.next(), true, latin1(path))
    assert.is(latin1(entries.path.subarray(0, entries.pathLength)), latin1(path))
    const { payload, digest, hardLink, mode, size, uid } = entries
    assert.equal([mode, size, uid, hardLink], [node.mode, node.size, node.uid, first.has(node)])
    const to = payload.from < 0 ? undefined : latin1(payload.bytes.subarray(payload.from, payload.to))
    assert.is(to, first.get(node) ?? (node.payload && latin1(node.payload)), latin1(path))
    assert.is(
      digest.from < 0 ? undefined : latin1(digest.bytes.subarray(digest.from, digest.to)),
      node.digest && latin1(node.digest),
    )
    if (!isDirectory(node) && !first.has(node)) first.set(node, latin1(path))
  }
  assert.is(entries.next(), false)
}

cfs('a path through symlinks, up and down', () => {
  const link = (target: string) => cfsNode(S_IFLNK | 0o777, { size: target.length, payload: utf8(target) })
  const deep = cfsNode(S_IFDIR | 0o755, { children: [[utf8('up'), link('../../a')]] })
  const root = vectorTree()
  childOf(root, 'd').children.push([utf8('deep'), deep])
  root.children.push([utf8('abs'), link('/d/deep/up')], [utf8('self'), link('self')])
  const layer = layerOf(root)
  for (const path of ['/abs', '/d/deep/up', '/d/../abs', 'd/deep/../deep/up', '/d/deep/.././../a']) {
    assert.is(must(layer.resolve(path, true), path).nid, 1, path)
  }
  assert.is((layer.resolve('/self', true) as Fault).code, 'ELOOP')
  const up = must(layer.lookup(must(layer.resolve('/d/deep', true), 'deep'), '..'), '..')
  assert.is(up.nid, must(layer.resolve('/d', true), 'd').nid)
})

cfs.run()
