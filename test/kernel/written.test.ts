// Images that we wrote, judged by others: the kernel mounts them and shows what their dump says; fsck.erofs finds nothing.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../src/fuzz/random.js'
import { randomDump } from '../../src/fuzz/random-dump.js'
import { peer } from '../helpers/command.js'
import { modelOf, mountTruth } from '../helpers/dump-model.js'
import { KernelMounts, kernelReason, kernelTree } from '../helpers/kernel.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { compareTruth, walkTruth } from '../helpers/truth.js'
import { imageOfDump, VERSIONS } from '../helpers/written.js'
import { knownImages } from './images.js'

const MOUNTED = 12
const CHECKED = 30
const FSCK_TIMEOUT_MS = 60_000
const temporary = mkdtempSync(join(tmpdir(), 'composefs-wasm-written-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

const kernel = suite('the kernel shows what we wrote')
const reason = kernelReason()
if (reason !== undefined) skip(kernel, 'all images', reason)
else addMounts(new KernelMounts())

function addMounts(mounts: KernelMounts): void {
  const image = join(temporary, 'mounted.cfs')
  const noObjects = join(temporary, 'no-objects')
  mkdirSync(noObjects)
  for (let seed = 1; seed <= MOUNTED; seed++) {
    const [minVersion, maxVersion] = VERSIONS[seed % VERSIONS.length]
    kernel(`random dump ${seed}, versions ${minVersion} to ${maxVersion}`, () => {
      const dump = randomDump(new Random(seed), { mountable: true })
      const model = modelOf(dump)
      const bytes = imageOfDump(dump, { minVersion, maxVersion })
      writeFileSync(image, bytes)
      const mount = mounts.composefs(image, noObjects)
      try {
        const tree = kernelTree(mount.path)
        const shown = walkTruth(tree, { content: false })
        const xattrs = tree.listxattrSync !== undefined
        if (!xattrs) console.log('note: xattrs not compared: no python3 to read them')
        assert.equal(compareTruth(mountTruth(model, bytes[12]), shown, { xattrs }), [])
        for (const [path, { mode, content }] of model.entries) {
          if ((mode & 0o170000) !== 0o100000 || !content) continue
          assert.is(Buffer.from(tree.readFileSync(Buffer.from(path, 'latin1'))).toString('latin1'), content, path)
        }
      } finally {
        mount.unmount()
      }
    })
  }
  addTree(mounts, image)
}

/** The tree whose dump, objects and truth are known. */
function addTree(mounts: KernelMounts, image: string): void {
  const known = knownImages().find(({ name }) => name === 'vectors/composefs/tree.cfs')
  if (known === undefined) {
    skip(kernel, 'tree.dump', 'no shared vectors beside this checkout')
    return
  }
  kernel('tree.dump with its objects', () => {
    writeFileSync(image, imageOfDump(readFileSync(vector('composefs/tree.dump'))))
    const mount = mounts.composefs(image, known.objects?.(temporary) ?? '')
    try {
      assert.equal(compareTruth(known.truth(), walkTruth(kernelTree(mount.path))), [])
    } finally {
      mount.unmount()
    }
  })
}
kernel.run()

const checked = suite('fsck.erofs accepts what we wrote')
const fsck = peer('FSCK_EROFS', 'fsck.erofs')
if (fsck === undefined) skip(checked, 'all images', 'no fsck.erofs on PATH (FSCK_EROFS may name it)')
else addChecks(fsck)

function addChecks(tool: string): void {
  const image = join(temporary, 'checked.cfs')
  const accepts = (dump: Uint8Array, versions: readonly (readonly [number, number])[]) => {
    for (const [minVersion, maxVersion] of versions) {
      writeFileSync(image, imageOfDump(dump, { minVersion, maxVersion }))
      const run = spawnSync(tool, [image], { encoding: 'utf8', timeout: FSCK_TIMEOUT_MS })
      assert.is(run.status, 0, `${run.signal ?? ''} ${run.stdout}${run.stderr}`)
    }
  }
  for (let seed = 1; seed <= CHECKED; seed++) {
    checked(`random dump ${seed}`, () =>
      accepts(randomDump(new Random(seed)), VERSIONS.slice(seed % 3, (seed % 3) + 1)),
    )
  }
  if (SHARED === undefined) {
    skip(checked, 'shared dumps', 'no shared vectors beside this checkout')
    return
  }
  const dumps = readdirSync(vector('composefs')).filter(name => /^(?!should-fail).*\.dump(?:\.gz)?$/.test(name))
  for (const name of dumps) {
    checked(name, () => {
      const bytes = readFileSync(vector('composefs', name))
      const dump = name.endsWith('.gz') ? gunzipSync(bytes) : bytes
      accepts(
        dump,
        name.startsWith('cs9')
          ? [[0, 1]]
          : [
              [0, 0],
              [1, 1],
            ],
      )
    })
  }
}
checked.run()
