// enhanced-resolve (the resolver of webpack), unchanged, on a mount's `fs` resolves as by node:fs on disk.
import enhancedResolve, { type ResolveOptions } from 'enhanced-resolve'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makePlaces, type Place } from './fixture-image.js'

const { CachedInputFileSystem, ResolverFactory } = enhancedResolve
const { image, disk } = makePlaces()

type Options = Omit<ResolveOptions, 'fileSystem'>

const OPTIONS: Readonly<Record<string, Options>> = {
  import: { conditionNames: ['import', 'node'], extensions: ['.js', '.mjs', '.json'] },
  require: { conditionNames: ['require', 'node'], extensions: ['.js', '.json'] },
  browser: { conditionNames: ['browser'], mainFields: ['browser', 'module', 'main'], aliasFields: ['browser'] },
  typescript: { extensions: ['.ts', '.jsx', '.js'], extensionAlias: { '.js': ['.ts', '.js'] }, mainFields: ['module'] },
  'links kept': { symlinks: false, extensions: ['.js'] },
  'fully specified': { fullySpecified: true, conditionNames: ['import'] },
}

const REQUESTS = [
  '@scope/exports',
  '@scope/exports/features/one',
  '@scope/exports/features/private-x',
  '@scope/exports/internal/hidden.js',
  '@scope/exports/package.json',
  'plain',
  'plain/lib/data',
  'plain/lib/index.js?query',
  'no-main',
  'no-main/folder',
  'linked',
  'linked/main',
  'inner',
  '#a',
  '#deep/index',
  './src/a',
  './src/a.js',
  './src/b',
  './src/c',
  './src/deep',
  './src/alias.ts',
  './src/broken.ts',
  './src',
  '../names/a/link-to-b/three.js',
  '../names/a/b/up/one.js',
  '../names/üml.js',
  'not-there',
  './not/there',
]

/** From where: the project, and the inside of a package that a link leads to. */
const CONTEXTS = ['/packages', '/packages/node_modules/linked', '/packages/src/deep']

interface Answer {
  readonly path?: string | false
  readonly error?: string
  /** What a bundler would watch. */
  readonly files: string[]
  readonly missing: string[]
}

function resolveOne(place: Place, options: Options, from: string, request: string, sync: boolean): Promise<Answer> {
  const fileSystem = new CachedInputFileSystem(place.fs, 4000)
  const resolver = ResolverFactory.createResolver({ ...options, fileSystem, useSyncFileSystemCalls: sync })
  const plain = (text: string) => (place.root === '' ? text : text.replaceAll(place.root, ''))
  // Of what is above the project, the two trees differ.
  const inside = (paths: Set<string>) =>
    [...paths]
      .filter(path => path.startsWith(`${place.root}/packages/`))
      .map(plain)
      .sort()
  const seen = { fileDependencies: new Set<string>(), missingDependencies: new Set<string>() }
  return new Promise(resolve => {
    resolver.resolve({}, place.root + from, request, seen, (error, path) => {
      const watched = { files: inside(seen.fileDependencies), missing: inside(seen.missingDependencies) }
      if (error) resolve({ error: plain(error.message), ...watched })
      else resolve({ path: typeof path === 'string' ? plain(path) : path, ...watched })
    })
  })
}

const resolver = suite('consumers: enhanced-resolve')
for (const [name, options] of Object.entries(OPTIONS)) {
  for (const sync of [false, true]) {
    resolver(`${name}, ${sync ? 'by synchronous calls' : 'by callbacks'}`, async () => {
      let resolved = 0
      for (const from of CONTEXTS) {
        for (const request of REQUESTS) {
          const theirs = await resolveOne(disk, options, from, request, sync)
          assert.equal(await resolveOne(image, options, from, request, sync), theirs, `${request} from ${from}`)
          if (theirs.path !== undefined) resolved++
        }
      }
      assert.ok(resolved >= 10, `only ${resolved} were found`)
    })
  }
}

resolver('follows links and exports to the files meant', async () => {
  const at = (request: string, from = CONTEXTS[0]) => resolveOne(image, OPTIONS['import'], from, request, true)
  assert.is((await at('@scope/exports')).path, '/packages/node_modules/@scope/exports/lib/main.mjs')
  assert.is((await at('linked')).path, '/packages/node_modules/.store/linked@1/node_modules/linked/main.js')
  assert.is((await at('#a')).path, '/packages/src/a.js')
  assert.match((await at('@scope/exports/internal/hidden.js')).error ?? '', 'not exported')
})
resolver.run()
