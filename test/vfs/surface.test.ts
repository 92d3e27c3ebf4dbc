// What the `fs` object is: every name of memfs's API, calls that work detached, copied and assigned over; Stats as Node
// shows them; owners mapped; extended attributes; what it costs to make one.
import { deepStrictEqual } from 'node:assert'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect, promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, Miss } from '../../src/format/errno'
import { OVERFLOW_ID, storedId, type VfsEnv } from '../../src/vfs/env'
import { closeFs, createFs } from '../../src/vfs/mounted-fs'
import { HostLayer } from '../helpers/host-layer'
import { makeOddTree, removeOddTree } from '../helpers/odd-tree'

const ENV: VfsEnv = { uid: () => 0, gid: () => 0, umask: () => 0o22 }
const dir = makeOddTree()
process.on('exit', () => removeOddTree(dir))
const mounted = createFs(new HostLayer(dir), ENV)
const lists = createRequire(import.meta.url)('@jsonjoy.com/fs-node-utils') as Record<string, string[]>

type Loose = Record<string, (...args: unknown[]) => unknown>

function codeOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
  return undefined
}

const surface = suite('vfs: the fs object')

surface('has every name of memfs’s API and of Node’s', () => {
  const names = Object.keys(mounted)
  for (const list of ['fsSynchronousApiList', 'fsCallbackApiList', 'fsCommonObjectsList']) {
    deepStrictEqual(
      lists[list].filter(name => !names.includes(name)),
      [],
    )
  }
  deepStrictEqual(
    Object.keys(fs).filter(name => !names.includes(name) && name !== '_toUnixTimestamp'),
    [],
  )
  deepStrictEqual(
    Object.keys(fs.promises).filter(name => !(name in mounted.promises)),
    [],
  )
  for (const name of [...lists['fsSynchronousApiList'], ...lists['fsCallbackApiList']]) {
    assert.type((mounted as unknown as Loose)[name], 'function', name)
  }
})

surface('calls work detached, and are the same each time they are read', async () => {
  const { readFileSync, lstatSync, existsSync, readdirSync, statSync, readlinkSync } = mounted
  assert.is(readFileSync('/usr/share/plain.txt', 'utf8'), 'one\ntwo\r\nthree')
  assert.ok(lstatSync('/dangling').isSymbolicLink())
  assert.ok(statSync('/usr').isDirectory())
  assert.is(existsSync('/usr'), true)
  assert.ok((readdirSync('/usr') as string[]).includes('share'))
  assert.is(readlinkSync('/dangling'), 'nowhere')
  assert.is(mounted.readFileSync, readFileSync)
  const { readFile } = mounted.promises
  assert.is(await readFile('/script', 'utf8'), '#!/bin/sh\n')
})

surface('realpath ends at a FIFO that a link leads to, as Node’s does', () => {
  const host = fs.mkdtempSync(join(tmpdir(), 'realpath-'))
  try {
    fs.mkdirSync(join(host, 'd/e'), { recursive: true })
    execFileSync('mkfifo', [join(host, 'd/pipe')])
    fs.writeFileSync(join(host, 'd/file'), '')
    for (const target of ['pipe', 'file', 'e']) fs.symlinkSync(target, join(host, `d/to-${target}`))
    const inside = createFs(new HostLayer(host), ENV)
    const real = (one: typeof fs, root: string, path: string) => {
      try {
        return one.realpathSync(root + path).slice(root.length)
      } catch (error) {
        return (error as NodeJS.ErrnoException).code
      }
    }
    for (const path of ['', '/x', '/x/y', '/../file/x', '/../e/x'].flatMap(rest => [
      `/d/to-pipe${rest}`,
      `/d/to-file${rest}`,
      `/d/to-e${rest}`,
      `/d/to-e/../to-pipe${rest}`,
    ])) {
      assert.is(real(inside as unknown as typeof fs, '', path), real(fs, host, path), path)
    }
    assert.is(real(inside as unknown as typeof fs, '', '/d/to-pipe/x'), '/d/pipe/x')
    assert.is(real(inside as unknown as typeof fs, '', '/d/to-file/x'), 'ENOTDIR')
  } finally {
    fs.rmSync(host, { recursive: true })
  }
})

surface('copies carry the calls, and a call can be replaced', () => {
  const copy = { ...createFs(new HostLayer(dir), ENV) }
  assert.ok(copy.lstatSync('/usr').isDirectory())
  const patched = createFs(new HostLayer(dir), ENV) as unknown as Loose
  for (const name of ['readFileSync', 'readlinkSync']) {
    patched[name] = () => name
    assert.is(patched[name](), name)
  }
  // What graceful-fs does: own property descriptors on a new object with the same prototype.
  const clone = Object.create(Object.getPrototypeOf(mounted)) as Loose
  for (const name of Object.getOwnPropertyNames(mounted)) {
    Object.defineProperty(clone, name, Object.getOwnPropertyDescriptor(mounted, name) as PropertyDescriptor)
  }
  assert.is(clone['existsSync']('/usr'), true)
  assert.is(Object.getOwnPropertyDescriptor(mounted, 'promises')?.enumerable, true)
})

surface('two mounts do not share descriptors or calls', () => {
  const other = createFs(new HostLayer(`${dir}/usr`), ENV)
  const fd = mounted.openSync('/script', 'r')
  assert.is(
    codeOf(() => other.closeSync(fd)),
    'EBADF',
  )
  assert.is(other.existsSync('/share'), true)
  closeFs(mounted)
  assert.is(
    codeOf(() => mounted.fstatSync(fd)),
    'EBADF',
  )
})

surface('Stats look like Node’s, dates included, and can be changed', () => {
  const node = fs.lstatSync(`${dir}/script`)
  const ours = createFs(new HostLayer(dir), { ...ENV, dev: node.dev }).lstatSync('/script')
  assert.is(inspect(ours), inspect(node))
  assert.is(JSON.stringify(ours), JSON.stringify(node))
  assert.is(ours.mtime.getTime(), node.mtime.getTime())
  assert.is(ours.mtime, ours.mtime)
  ours.mtime = new Date(5)
  assert.is(ours.mtime.getTime(), 5)
  deepStrictEqual(Object.keys(ours).slice(0, 14), Object.keys(node).slice(0, 14))
})

surface('shows owners as a map says, others as the overflow id, and maps back', () => {
  const idmap = { uid: [[0, 1000, 1]], gid: [[5, 50, 10]] } as const
  const { uid, gid } = createFs(new HostLayer(dir), { ...ENV, idmap }).statSync('/script')
  const { uid: hostUid, gid: hostGid } = fs.statSync(`${dir}/script`)
  assert.is(uid, hostUid === 0 ? 1000 : OVERFLOW_ID)
  assert.is(gid, hostGid >= 5 && hostGid < 15 ? hostGid + 45 : OVERFLOW_ID)
  assert.is(createFs(new HostLayer(dir), { ...ENV, idmap }).statSync('/script', { bigint: true }).uid, BigInt(uid))
  assert.is(storedId(idmap.gid, 52), 7)
  assert.is(storedId(idmap.gid, 7), undefined)
})

surface('fsync succeeds, or is EINVAL where the file system has none', () => {
  for (const noFsync of [false, true]) {
    const synced = createFs(new HostLayer(dir), { ...ENV, noFsync })
    const fd = synced.openSync('/script', 'r')
    assert.is(
      codeOf(() => synced.fsyncSync(fd)),
      noFsync ? 'EINVAL' : undefined,
    )
  }
})

surface('lists and gets extended attributes, and changes none', async () => {
  deepStrictEqual(mounted.listxattrSync('/script'), ['user.one', 'u.\ufffd'])
  deepStrictEqual(mounted.listxattrSync('/script', { encoding: 'buffer' })[1], Buffer.from([0x75, 0x2e, 0xff]))
  deepStrictEqual(mounted.getxattrSync('/script', 'user.one'), Buffer.from([1, 2, 3]))
  assert.is(
    codeOf(() => mounted.getxattrSync('/script', 'user.two')),
    'ENODATA',
  )
  assert.is(
    codeOf(() => mounted.getxattrSync('/dangling', 'user.one')),
    'ENOENT',
  )
  assert.is(mounted.getxattrSync('/dangling', 'user.one', { follow: false }).length, 3)
  assert.is(
    codeOf(() => mounted.setxattrSync('/script', 'user.one', 'x')),
    'EROFS',
  )
  assert.is(
    codeOf(() => mounted.removexattrSync('/missing', 'user.one')),
    'ENOENT',
  )
  deepStrictEqual(await mounted.promises.getxattr('/script', 'user.one'), Buffer.from([1, 2, 3]))
  deepStrictEqual(await promisify(mounted.listxattr)('/script'), ['user.one', 'u.\ufffd'])
})

surface('a Fault’s detail and cause are in the error; a Miss tells the way out', async () => {
  const cause = new Error('digests differ')
  const layer = new HostLayer(dir)
  layer.statPath = () => new Fault('EUCLEAN', 'inode at byte 64', cause)
  const broken = createFs(layer, ENV)
  try {
    broken.statSync('/x')
    assert.unreachable()
  } catch (error) {
    const found = error as NodeJS.ErrnoException
    assert.is(found.message, "EUCLEAN: structure needs cleaning, stat '/x' (inode at byte 64)")
    assert.is(found.cause, cause)
    deepStrictEqual([found.code, found.errno, found.syscall, found.path], ['EUCLEAN', -117, 'stat', '/x'])
  }
  layer.statPath = () => new Miss('block 7', () => Promise.reject(new Error('offline')))
  assert.throws(() => createFs(layer, ENV).lstatSync('/x'), /^EAGAIN: .*lstat '\/x' \(block 7: .*promises/)
  const failed = await createFs(layer, ENV)
    .promises.stat('/x')
    .catch((error: NodeJS.ErrnoException) => error)
  assert.is((failed as NodeJS.ErrnoException).code, 'EIO')
  assert.match((failed as Error).message, 'offline')
})

surface('a file too large for memory is refused before anything is read', async () => {
  const layer = new HostLayer(dir)
  const huge = { size: 2 ** 31, read: () => assert.unreachable(), readAll: () => assert.unreachable(), close: () => {} }
  layer.open = () => huge as unknown as ReturnType<HostLayer['open']>
  const big = createFs(layer, ENV)
  assert.is(
    codeOf(() => big.readFileSync('/script')),
    'ERR_FS_FILE_TOO_LARGE',
  )
  assert.is(
    codeOf(() => big.readFileSync(big.openSync('/script', 'r'))),
    'ERR_FS_FILE_TOO_LARGE',
  )
  const failed = await big.promises.readFile('/script').catch((error: NodeJS.ErrnoException) => error)
  assert.is((failed as NodeJS.ErrnoException).message, 'File size (2147483648) is greater than 2 GiB')
})

surface('making one costs little memory', () => {
  const layer = new HostLayer(dir)
  const count = 2000
  const made: unknown[] = new Array(count)
  for (let index = 0; index < 100; index++) createFs(layer, ENV)
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  for (let index = 0; index < count; index++) made[index] = createFs(layer, ENV)
  globalThis.gc?.()
  const each = (process.memoryUsage().heapUsed - before) / count
  assert.ok(each < 2048, `${each} bytes each`)
  assert.is(made.length, count)
})

surface.run()
