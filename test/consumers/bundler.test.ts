// rollup, with its own `fs` option and enhanced-resolve as its resolver, builds a project that lies in an image and writes
// into the mount what it writes on disk, byte for byte; Node runs what was built. The store answers late: rollup has all of
// its bytes by promises.
import fs from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import enhancedResolve from 'enhanced-resolve'
import { type InputOptions, type OutputOptions, type Plugin, type RollupFsModule, rollup } from 'rollup'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Place } from './fixture-image.js'
import { writeProject } from './project.js'
import { copyOut, diskPlace, sameLines, temporary, treeOf, writableLateImage } from './writable-place.js'

const { CachedInputFileSystem, ResolverFactory } = enhancedResolve

/** Packages by enhanced-resolve on the same `fs`, JSON as a module; an asset that says what was built. */
function plugins({ fs, root }: Place): Plugin {
  const resolver = ResolverFactory.createResolver({
    fileSystem: new CachedInputFileSystem(fs, 0),
    conditionNames: ['import'],
    extensions: ['.js'],
  })
  return {
    name: 'project',
    resolveId(source, importer) {
      if (source.startsWith('.') || source.startsWith('/') || importer === undefined) return null
      return new Promise((resolve, reject) => {
        resolver.resolve({}, `${root}/project`, source, {}, (error, path) =>
          error ? reject(error) : resolve(path || null),
        )
      })
    },
    transform: (code, id) => (id.endsWith('.json') ? { code: `export default ${code}`, map: null } : null),
    async generateBundle() {
      // By the `fs` that a plugin is given.
      const names = await this.fs.readdir(`${root}/project/src`)
      this.emitFile({ type: 'asset', fileName: 'sources.txt', source: names.sort().join('\n') })
    },
  }
}

const OUTPUTS: Readonly<Record<string, OutputOptions>> = {
  'chunks and source maps': { dir: 'dist', format: 'es', sourcemap: true },
  'a module for each module': { dir: 'out/modules', format: 'es', preserveModules: true },
  'common js': { dir: 'dist', format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name]-[hash].cjs' },
}

async function build(place: Place, output: OutputOptions, input: InputOptions = {}): Promise<string[]> {
  const at = `${place.root}/project`
  const bundle = await rollup({
    input: { main: `${at}/src/main.js`, second: `${at}/src/second.js` },
    plugins: [plugins(place)],
    fs: place.fs.promises as unknown as RollupFsModule,
    // What is not used is told; that is the same on both.
    logLevel: 'silent',
    ...input,
  })
  const { output: written } = await bundle.write({ ...output, dir: `${at}/${output.dir}` })
  await bundle.close()
  // Both come in the order in which reads ended: on disk alone rollup gives two orders, one of them twice in 400 builds.
  const read = bundle.watchFiles.map(file => file.replace(place.root, ''))
  return [...written.map(({ fileName }) => fileName).sort(), ...read.sort()]
}

const source = temporary()
writeProject(join(source, 'project'))
const disk = diskPlace(temporary())
writeProject(join(disk.root, 'project'))
const mount = await writableLateImage(source)

const same = () => mount.glance(() => sameLines(treeOf(mount, '/project'), treeOf(disk, '/project'), 'project'))

const bundler = suite('consumers: rollup in a writable mount and on disk')

bundler('begins with one tree', () => {
  same()
})
for (const [name, output] of Object.entries(OUTPUTS)) {
  bundler(name, async () => {
    const theirs = await build(disk, output)
    assert.equal(await build(mount, output), theirs)
    assert.ok(theirs.length > 12, String(theirs.length))
    same()
  })
}
bundler('again, after a change of what came from the image', async () => {
  for (const { fs, root } of [disk, mount]) {
    const { appendFile, rename, rm, symlink, writeFile } = fs.promises
    await appendFile(`${root}/project/src/greet.js`, 'globalThis.alone = alone\n')
    await rm(`${root}/project/src/shared/two.js`)
    await writeFile(`${root}/project/src/shared/two.js`, "export const two = 'zwei'\n")
    await rename(`${root}/project/src/words.js`, `${root}/project/src/more.js`)
    await symlink('more.js', `${root}/project/src/words.js`)
  }
  const output = OUTPUTS['chunks and source maps']
  assert.equal(await build(mount, output), await build(disk, output))
  same()
})
bundler('a module that is missing is missing alike', async () => {
  const failure = async (place: Place) => {
    try {
      return await build(place, { dir: 'dist' }, { input: `${place.root}/project/src/not-there.js` })
    } catch (error) {
      // The message has a path from the working directory in it.
      return (error as { code?: string }).code
    }
  }
  const theirs = await failure(disk)
  assert.is(theirs, 'UNRESOLVED_ENTRY')
  assert.is(await failure(mount), theirs)
})
bundler('Node runs what was built', async () => {
  const copy = mount.glance(() => copyOut(mount, '/project'))
  const built = await import(pathToFileURL(join(copy, 'dist/main.js')).href)
  assert.is(built.text, 'hello shared........')
  assert.is((await built.later()).default, 'later zwei')
  assert.ok(fs.existsSync(join(copy, 'dist/stale.js')))
})
bundler.run()
