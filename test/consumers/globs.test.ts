// Two globbers, unchanged, on a mount's `fs` find what they find by node:fs in the same tree on disk.
import { isDeepStrictEqual } from 'node:util'
import fastGlob from 'fast-glob'
import { globSync, glob as tinyGlob } from 'tinyglobby'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makePlaces, type Place } from './fixture-image.js'

const { image, disk, expected, extracted } = makePlaces()

const copy = suite('consumers: the tree on disk')
copy('is what the kernel shows of the image', () => {
  assert.ok(expected.length > 100)
  assert.equal(extracted, expected)
})
copy.run()

const PATTERNS = [
  ['**'],
  ['**/*.js'],
  ['a/**/*.{js,ts}'],
  ['**/.*'],
  ['a/*/c/*'],
  ['*/*.js', '!br*/**'],
  ['br\\[ack\\]et/*'],
  ['sp ace/*'],
  ['**/ONE.JS'],
  ['../packages/node_modules/**/package.json'],
  ['a/dangling.js', 'a/link.js', 'nowhere/**'],
  ['../**/text.md'],
]

const OPTIONS = [
  {},
  { dot: true },
  { onlyFiles: false },
  { onlyDirectories: true },
  { followSymbolicLinks: false },
  { deep: 2 },
  { absolute: true },
  { onlyFiles: false, markDirectories: true, ignore: ['**/c'] },
  { caseSensitiveMatch: false },
] as const

/** Links go round in circles in the tree: with following, no deeper than this. */
const DEEP = 6

type Find = (place: Place, patterns: string[], options: object) => Promise<string[]>

/** Deeper than the circle allows only where links are not followed. */
function bounded(options: object): object {
  return 'followSymbolicLinks' in options ? options : { deep: DEEP, ...options }
}

const FINDERS: Readonly<Record<string, Find>> = {
  'tinyglobby glob': ({ fs, root }, patterns, options) => tinyGlob({ ...options, patterns, fs, cwd: `${root}/names` }),
  'tinyglobby globSync': async ({ fs, root }, patterns, options) =>
    globSync({ ...options, patterns, fs, cwd: `${root}/names` }),
  'fast-glob': ({ fs, root }, patterns, options) => fastGlob(patterns, { ...options, fs, cwd: `${root}/names` }),
  'fast-glob sync': async ({ fs, root }, patterns, options) =>
    fastGlob.sync(patterns, { ...options, fs, cwd: `${root}/names` }),
  'fast-glob stream': async ({ fs, root }, patterns, options) => {
    const found: string[] = []
    for await (const path of fastGlob.stream(patterns, { ...options, fs, cwd: `${root}/names` }))
      found.push(String(path))
    return found
  },
  'fast-glob stats': async ({ fs, root }, patterns, options) => {
    const found = await fastGlob(patterns, { ...options, fs, cwd: `${root}/names`, stats: true })
    return found.map(({ path, stats }) => {
      // The size of a directory is the filesystem's own affair.
      const size = stats?.isDirectory() ? 'directory' : stats?.size
      return `${path} ${stats?.mode} ${size} ${stats?.mtimeMs}`
    })
  },
}

async function found(find: Find, place: Place, patterns: string[], options: object): Promise<unknown> {
  try {
    const paths = await find(place, patterns, bounded(options))
    return paths.map(path => (place.root === '' ? path : path.replace(place.root, ''))).sort()
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

const globs = suite('consumers: globbers')
for (const [name, find] of Object.entries(FINDERS)) {
  globs(`${name} finds the same`, async () => {
    let matches = 0
    for (const patterns of PATTERNS) {
      for (const options of OPTIONS) {
        const ours = await found(find, image, patterns, options)
        const theirs = await found(find, disk, patterns, options)
        matches += Array.isArray(theirs) ? theirs.length : 0
        const same = isDeepStrictEqual(ours, theirs)
        assert.ok(same, `${patterns} ${JSON.stringify(options)}\n ${JSON.stringify(ours)}\n ${JSON.stringify(theirs)}`)
      }
    }
    assert.ok(matches > 500, `only ${matches} matches`)
  })
}
globs.run()
