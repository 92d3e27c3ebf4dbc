// The `fs` surface against node:fs on the very same files: seeded random calls in all forms of arguments, the calls that
// would change something on a read-only bind mount of them.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { VfsEnv } from '../../src/vfs/env'
import { createFs } from '../../src/vfs/mounted-fs'
import { HostLayer } from '../helpers/host-layer'
import { makeOddTree, removeOddTree } from '../helpers/odd-tree'
import { skip } from '../helpers/paths'
import { compareCalls, tell, walkPaths } from '../helpers/random-calls'

const ENV: VfsEnv = { uid: () => 0, gid: () => 0, umask: () => 0o22 }
const READS = 6000
const WRITES = 4000

const dir = makeOddTree()
process.on('exit', () => removeOddTree(dir))
// What undoes the mount runs at exit, and a signal is none.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1))
process.chdir('/')

/** What other processes change while a test runs. */
const IGNORE = ['atime', 'bfree', 'bavail', 'ffree', 'files', 'blocks']

/** node:fs and ours over the same files. */
function sides(root: string, missEvery = 0) {
  const layer = new HostLayer(root, { missEvery })
  const { dev } = fs.statSync(root)
  return { ours: { fs: createFs(layer, { ...ENV, dev }), root: '' }, nodes: { fs, root }, layer }
}

const reads = suite('vfs: random reads, against node:fs')
for (const seed of [1, 2, 3]) {
  reads(`${READS} calls, seed ${seed}`, async () => {
    const { ours, nodes } = sides(dir)
    assert.is(tell(await compareCalls(ours, nodes, seed, READS, { ignore: IGNORE })), '')
  })
}

reads('the same with bytes that have to be waited for', async () => {
  const { ours, nodes, layer } = sides(dir, 2)
  assert.is(tell(await compareCalls(ours, nodes, 4, 2000, { ignore: IGNORE })), '')
  assert.ok(layer.misses > 10, `${layer.misses} misses`)
})
reads.run()

const writes = suite('vfs: random writes, against node:fs on a read-only mount')

function bindReadOnly(): string {
  const mounted = fs.mkdtempSync(join(tmpdir(), 'vfs-ro-'))
  execFileSync('mount', ['--bind', dir, mounted], { stdio: 'pipe' })
  process.on('exit', () => {
    execFileSync('umount', ['-l', mounted])
    fs.rmdirSync(mounted)
  })
  execFileSync('mount', ['-o', 'remount,ro,bind', mounted], { stdio: 'pipe' })
  return mounted
}

function readOnly(): string | undefined {
  try {
    return process.getuid?.() === 0 ? bindReadOnly() : undefined
  } catch {
    return undefined
  }
}

const mounted = readOnly()
if (mounted === undefined) skip(writes, 'random writes', 'no bind mount here (not root)')
else {
  for (const seed of [5, 6]) {
    writes(`${WRITES} calls, seed ${seed}`, async () => {
      const { ours, nodes } = sides(mounted)
      const paths = walkPaths(nodes).filter(path => !String(path).endsWith('link-with-slash'))
      const options = { paths, writes: true, ignore: IGNORE }
      assert.is(tell(await compareCalls(ours, nodes, seed, WRITES, options)), '')
    })
  }
}
writes.run()
