// Builds the playground's demo: two images of one small tree, release 1 and 2, and the objects that they share. The same
// bytes at every build. Not here: what is in the tree (demo-tree.mjs); where the demo goes (its caller).
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DemoDump } from './demo-dump.mjs'
import { demoProgram } from './demo-program.mjs'
import { DEMO_TREE, demoTree } from './demo-tree.mjs'

export { DEMO_TREE }

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const NAMES = ['one', 'two']
/** Objects from this size on have their Merkle tree beside them, so that a block of them can be checked alone. */
const TREE_FROM = 64 << 10
const PARTS = `export { buildImage } from './src/build.ts'
export { merkleTree } from './src/format/merkle-tree.ts'
export { verityDigest } from './src/format/verity.ts'`

async function builders() {
  const esbuild = await import('esbuild')
  const stdin = { contents: PARTS, resolveDir: root, loader: 'ts' }
  const result = await esbuild.build({ stdin, bundle: true, format: 'esm', platform: 'node', write: false })
  return import(`data:text/javascript;base64,${Buffer.from(result.outputFiles[0].contents).toString('base64')}`)
}

/**
 * Writes one.cfs, two.cfs and objects/ to `outDir`; the core has to be built. Answers for each image its file name, digest,
 * size and number of entries, and of all objects how many they are and their bytes.
 */
export async function buildDemo(outDir) {
  const { buildImage, merkleTree, verityDigest } = await builders()
  const sha256 = data => createHash('sha256').update(data).digest()
  const wasm = { core: readFileSync(join(root, 'wasm/core.wasm')), program: await demoProgram() }
  const objects = new Map()
  const keep = bytes => {
    const digest = Buffer.from(verityDigest(bytes, sha256)).toString('hex')
    objects.set(`${digest.slice(0, 2)}/${digest.slice(2)}`, bytes)
    return digest
  }
  rmSync(outDir, { recursive: true, force: true })
  mkdirSync(outDir, { recursive: true })
  const images = []
  let before
  for (const [i, name] of NAMES.entries()) {
    const dump = demoTree(time => new DemoDump(keep, time), i + 1, wasm)
    if (before !== undefined) dump.keepTimes(before)
    before = dump
    const { image, digest, size } = await buildImage({ dump: dump.text(), strict: true }, {}, sha256)
    writeFileSync(join(outDir, `${name}.cfs`), image)
    images.push({ file: `${name}.cfs`, digest, size, entries: dump.count })
  }
  for (const [name, bytes] of objects) {
    const path = join(outDir, 'objects', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
    if (bytes.length >= TREE_FROM) writeFileSync(`${path}.verity`, merkleTree(bytes, sha256))
  }
  const bytes = [...objects.values()].reduce((sum, one) => sum + one.length, 0)
  return { images, objects: { count: objects.size, bytes } }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const outDir = resolve(process.argv[2] ?? join(root, 'dist/playground/demo'))
  console.log(JSON.stringify(await buildDemo(outDir), null, 2))
}
