// The sweep over a whole image: the same entries as a walk by path finds, in the order of `ls -R`.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync, openImageSync } from '../../src/node.js'
import { fixture, SHARED, vector } from '../helpers/paths.js'

const scans = suite('a sweep over an image')
const images = ['small.cfs', 'small-v1.cfs'].map(name => readFileSync(fixture(name)))
if (SHARED !== undefined) images.push(readFileSync(vector('composefs/tree.cfs')))

/** Paths by readdirSync: a directory's entries, then its directories, each in turn. */
function byPath(fs: ReturnType<typeof mountSync>['fs'], dir: string, out: string[]): string[] {
  const names = fs.readdirSync(dir === '' ? '/' : dir) as string[]
  const paths = names.map(name => `${dir}/${name}`)
  out.push(...paths)
  for (const path of paths) {
    // A name that is not UTF-8 can't be asked for by its string; none of the images has a directory of such a name.
    if (!path.includes('\uFFFD') && fs.lstatSync(path).isDirectory()) byPath(fs, path, out)
  }
  return out
}

scans('finds every entry that a walk by path finds, in its order, with the same numbers', () => {
  for (const bytes of images) {
    const image = openImageSync(bytes)
    const { fs } = mountSync(image)
    const entries = [...image.entries()]
    assert.equal(
      entries.map(entry => entry.path),
      ['/', ...byPath(fs, '', [])],
    )
    for (const { path, ...numbers } of entries) {
      if (path.includes('\uFFFD')) continue
      const stats = fs.lstatSync(path, { bigint: true })
      assert.is(stats.ino, BigInt(numbers.ino), path)
      assert.is(stats.mode, BigInt(numbers.mode), path)
      assert.is(stats.size, BigInt(numbers.size), path)
      assert.is(stats.nlink, BigInt(numbers.nlink), path)
      assert.is(stats.uid, BigInt(numbers.uid), path)
      assert.is(stats.rdev, BigInt(numbers.rdev), path)
      assert.is(
        (stats as unknown as { mtimeNs: bigint }).mtimeNs,
        BigInt(numbers.mtimeSec) * 1_000_000_000n + BigInt(numbers.mtimeNsec),
        path,
      )
    }
    image.close()
  }
})

scans('other questions in between change nothing, and leaving early gives the memory back', () => {
  const image = openImageSync(images[0])
  const { fs } = mountSync(image)
  const all = [...image.entries()].map(entry => entry.path)
  const seen: string[] = []
  for (const entry of image.entries()) {
    fs.readdirSync('/awkward/many')
    seen.push(entry.path)
  }
  assert.equal(seen, all)
  const { used } = image.core.core
  for (const entry of image.entries()) if (entry.path === '/awkward') break
  for (const batch of image.batches()) assert.ok(batch.length > 0 && batch.startsDirectory(0))
  assert.is(image.core.core.used, used)
  image.close()
})

scans.run()
