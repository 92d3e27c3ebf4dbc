// The tar of a layer as other programs read it: GNU tar unpacks it, Python's tarfile tells what its headers say; and how the stream
// behaves: in pieces, stopped early, failing in the middle.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore, type Mount, mountSync } from '../../src/node.js'
import { peer } from '../helpers/command.js'
import { comparedTree } from '../helpers/disk-tree.js'
import { kernelTree } from '../helpers/kernel.js'
import { collected, ran, unpack } from '../helpers/oci-layout.js'
import { skip } from '../helpers/paths.js'
import { doAll, mountPlan, planOf } from '../helpers/random-mount.js'
import { compareTruth, type TruthFs } from '../helpers/truth.js'

const temporary = mkdtempSync(join(tmpdir(), 'composefs-tar-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
const MIB = 1 << 20

const node = (path: string, kind: string, device?: [number, number]) => ({
  op: '@mknod',
  args: [path, kind, '0640', device],
})

/** A mount with everything that a header has no plain form for. */
async function odd(): Promise<Mount> {
  const devices = [node('/chr', 'chr', [60, 3]), node('/blk', 'blk', [8, 255]), node('/wide', 'chr', [4095, 0])]
  const plan = await planOf([[]], [...devices, node('/fifo', 'fifo'), node('/socket', 'sock')])
  const mount = mountPlan(plan)
  doAll(plan, mount, plan.ops)
  const { fs } = mount
  const long = (letter: string) => letter.repeat(255)
  fs.mkdirSync(`/${long('d')}/${long('e')}`, { recursive: true })
  fs.writeFileSync(`/${long('d')}/${long('e')}/${long('f')}`, 'deep')
  fs.writeFileSync(`/${'n'.repeat(100)}`, '100')
  fs.writeFileSync(`/${'n'.repeat(101)}`, '101')
  fs.writeFileSync('/größe', 'utf-8')
  fs.writeFileSync(Buffer.from([0x2f, 0xff, 0xfe, 0x0a]), 'bytes')
  fs.symlinkSync('t'.repeat(3000), '/long-target')
  fs.symlinkSync(Buffer.from([0xc3, 0x28, 0x2f]), '/odd-target')
  fs.linkSync(`/${long('d')}/${long('e')}/${long('f')}`, '/linked')
  fs.writeFileSync('/owned', 'x')
  fs.chownSync('/owned', 4_000_000, 2 ** 31)
  for (const [index, mode] of [0o4755, 0o2711, 0o1777, 0].entries()) {
    fs.writeFileSync(`/mode${index}`, '')
    fs.chmodSync(`/mode${index}`, mode)
  }
  for (const [name, time] of [
    ['old', -1.5],
    ['older', -86400 * 365 * 30],
    ['fine', 1_500_000_000.25],
  ] as const) {
    fs.writeFileSync(`/${name}`, name)
    // Negative numbers are now to Node; dates are not.
    fs.utimesSync(`/${name}`, new Date(time * 1000), new Date(time * 1000))
  }
  fs.writeFileSync('/capable', 'x')
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
  fs.setxattrSync('/capable', 'security.capability', capability)
  fs.setxattrSync('/capable', 'user.binary', Buffer.from([0, 10, 61, 255]))
  fs.setxattrSync('/capable', 'user.empty', Buffer.alloc(0))
  fs.setxattrSync('/capable', 'trusted.large', Buffer.alloc(2000, 'v'))
  fs.writeFileSync('/sizes', Buffer.alloc(512 * 3))
  fs.writeFileSync('/uneven', Buffer.alloc(MIB + 1, 'u'))
  return mount
}

const judged = suite('a layer as other programs read it')
const [python, umoci] = [peer('PYTHON3', 'python3'), peer('UMOCI', 'umoci')]
if (process.getuid?.() !== 0 || python === undefined) skip(judged, 'all', 'not root, or no python3')
else {
  judged('GNU tar unpacks all of it', async () => {
    const mount = await odd()
    const tar = await collected(mount.exportLayer())
    const out = join(temporary, 'gnu')
    mkdirSync(out)
    ran('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-xpf', '-', '-C', out], tar)
    const expected = comparedTree(mount.fs as unknown as TruthFs, { sockets: false })
    assert.equal(compareTruth(expected, comparedTree(kernelTree(out))), [])
    assert.ok(expected.length > 20)
  })
  judged('Python’s tarfile reads the headers', async () => {
    const tar = await collected((await odd()).exportLayer())
    const script = [
      'import sys, io, json, tarfile',
      'for m in tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()), errors="surrogateescape"):',
      '  print(json.dumps([m.name[:12], m.type.decode(), m.mode, m.mtime, m.devmajor, m.devminor, m.uid, m.gid, m.size]))',
    ].join('\n')
    const lines = ran(python, ['-c', script], tar).toString().trim().split('\n')
    const of = (name: string) => lines.map(line => JSON.parse(line)).find(([is]) => is === name)
    assert.equal(of('chr').slice(1, 3), ['3', 0o640])
    assert.equal(of('chr').slice(4, 6), [60, 3])
    assert.equal(of('blk').slice(4, 6), [8, 255])
    assert.equal(of('wide').slice(4, 6), [4095, 0])
    assert.equal(of('old')[3], -1.5)
    assert.equal(of('fine')[3], 1_500_000_000.25)
    assert.equal(of('owned').slice(6, 8), [4_000_000, 2 ** 31])
    assert.is(of('socket'), undefined)
  })
  if (umoci === undefined) skip(judged, 'umoci', 'there is none')
  else {
    judged('umoci unpacks it, empty xattrs apart', async () => {
      const mount = await odd()
      const rootfs = unpack(umoci, join(temporary, 'umoci'), [await collected(mount.exportLayer())])
      const form = { sockets: false, without: (_: string, hex: string) => hex === '' }
      const expected = comparedTree(mount.fs as unknown as TruthFs, form)
      assert.equal(compareTruth(expected, comparedTree(kernelTree(rootfs), form)), [])
    })
  }
}
judged.run()

const LAYER = [
  { path: '/d', type: 'dir' },
  { path: '/d/big', type: 'file', content: { fill: 'big', size: 9000 } },
  { path: '/d/late', type: 'file', content: { fill: 'late', size: 90_000 } },
]

const unhandled: unknown[] = []
process.on('unhandledRejection', error => void unhandled.push(error))
const turns = () => new Promise(resolve => setTimeout(resolve, 30))

const streaming = suite('the stream of a layer')

async function large(): Promise<Mount> {
  const mount = mountPlan(await planOf([LAYER]))
  mount.fs.writeFileSync('/large', '')
  mount.fs.truncateSync('/large', 300 * MIB)
  return mount
}

streaming('300 MiB pass through little memory', async () => {
  const reader = (await large()).exportLayer().getReader()
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let [total, most] = [0, 0]
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    total += next.value.length
    most = Math.max(most, process.memoryUsage().rss - before)
  }
  assert.ok(total > 300 * MIB)
  console.log(`note: rss grew by ${Math.round(most / MIB)} MiB at most`)
  assert.ok(most < 120 * MIB, String(most))
})

streaming('nobody reads: nothing is made ahead; then it is stopped', async () => {
  const reader = (await large()).exportLayer().getReader()
  const before = process.memoryUsage().arrayBuffers
  await reader.read()
  await turns()
  const ahead = process.memoryUsage().arrayBuffers - before
  assert.ok(ahead < 16 * MIB, String(ahead))
  await reader.cancel('enough')
  assert.ok((await reader.read()).done)
  const unread = (await large()).exportLayer()
  await unread.cancel()
  await turns()
  assert.equal(unhandled, [])
})

streaming('an object that is missing fails it, once', async () => {
  const plan = await planOf([LAYER])
  const mount = mountSync([...plan.images], { store: new MemoryStore(), writable: true })
  mount.fs.renameSync('/d', '/moved')
  let failed: { code?: string; path?: string } = {}
  await collected(mount.exportLayer()).catch(error => {
    failed = error
  })
  assert.is(failed.code, 'ENOENT')
  // Nobody looks at this one.
  mount.exportLayer()
  await turns()
  assert.equal(unhandled, [])
})

streaming('an object that is wrong fails it in the middle of the file', async () => {
  const plan = await planOf([LAYER])
  const store = new MemoryStore()
  for await (const name of plan.stores[0].list()) {
    const object = await plan.stores[0].open(name)
    const bytes = await object.read(0, object.size)
    bytes[bytes.length - 1] ^= 1
    await store.put(name, bytes)
  }
  const mount = mountSync([...plan.images], { store, writable: true })
  mount.fs.renameSync('/d', '/moved')
  let code: string | undefined
  await collected(mount.exportLayer()).catch(error => {
    code = error.code
  })
  assert.is(code, 'EIO')
  await turns()
  assert.equal(unhandled, [])
})

streaming('names that would be whiteouts are refused', async () => {
  const mount = mountPlan(await planOf([LAYER]))
  mount.fs.writeFileSync('/d/.wh.name', '')
  let code: string | undefined
  await collected(mount.exportLayer()).catch(error => {
    code = error.code
  })
  assert.is(code, 'EINVAL')
})

streaming('what has not changed is an empty archive', async () => {
  const tar = await collected(mountPlan(await planOf([LAYER])).exportLayer())
  assert.is(spawnSync('tar', ['-tf', '-'], { input: tar }).stdout.toString(), '')
  assert.is(tar.length % 512, 0)
})
streaming.run()
