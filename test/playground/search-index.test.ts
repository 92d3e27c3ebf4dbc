// The search over names: what it finds against a comparison of every path, and that a search which never ends is ended.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage } from '../../src/node.js'
import { Documents } from '../../src/playground/engine/documents.js'
import { Jobs } from '../../src/playground/engine/jobs.js'
import { type FinderCalls, type RunningFinder, Search } from '../../src/playground/engine/search.js'
import { SearchIndex } from '../../src/playground/engine/search-index.js'
import { folded } from '../../src/playground/engine/search-pattern.js'
import { pathBytes } from '../../src/playground/path-text.js'
import type { SearchKind } from '../../src/playground/protocol.js'

const NAMES = [
  'README.md',
  'readme',
  'a',
  'A',
  'lib.so.1',
  'lib.so',
  'İstanbul',
  'line\nbreak',
  'x\udcffy',
  '[',
  'ünï-海🌊',
]
const DIRS = ['', '/usr', '/usr/lib', '/usr/lib/lib.so', '/usr/Lib', '/etc', '/etc/usr', '/etc/usr/lib', '/etc/empty']
const PATHS = DIRS.flatMap(dir => NAMES.map(name => `${dir}/${name}`))

/** As a dump has it. */
function escaped(path: string): string {
  return Array.from(pathBytes(path), byte =>
    byte > 0x20 && byte < 0x7f && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('')
}

async function imageOf(paths: readonly string[]): Promise<Uint8Array> {
  const dirs = ['/', ...DIRS.slice(1)]
  const lines = dirs.map(dir => `${escaped(dir)} 0 40755 2 0 0 0 0.0 - - -`)
  for (const path of paths) if (!DIRS.includes(path)) lines.push(`${escaped(path)} 0 100644 1 0 0 0 0.0 - - -`)
  return (await buildImage({ dump: `${lines.join('\n')}\n` })).image
}

interface Opened {
  readonly documents: Documents
  readonly search: Search
  readonly id: number
}

async function open(bytes: Uint8Array, start: () => RunningFinder): Promise<Opened> {
  const documents = new Documents('http://localhost/', new Jobs())
  const search = new Search(documents, start, async () => new Map())
  const { id } = await documents.add({ bytes, name: 'names.cfs', origin: 'file' })
  return { documents, search, id }
}

const here = (): RunningFinder => ({ calls: new SearchIndex(), end: () => undefined })
const ALL = [...new Set([...PATHS, ...DIRS.slice(1)])]

/** Paths that a search finds, all of them, in order of their text. */
async function found({ search, id }: Opened, query: string, kind: SearchKind): Promise<string[]> {
  const result = await search.find(id, query, kind, 5)
  assert.ok(result !== undefined)
  const paths = result.entries.map(one => one.path)
  for (let at = paths.length; at < result.count; at += 7)
    paths.push(...(await search.window(id, result.search, at, 7)).map(one => one.path))
  assert.is(paths.length, result.count)
  return paths.sort()
}

const search = suite('playground: search over names')
const names = await open(await imageOf(PATHS), here)

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)
const expected = (match: (path: string) => boolean) => ALL.filter(match).sort()

for (const text of [
  'a',
  'A',
  'readme',
  'README',
  'lib',
  'so.1',
  'stan',
  'break',
  'ünï',
  '🌊',
  'nothing at all',
  '[',
  '\0',
]) {
  search(`names with ${JSON.stringify(text)} in them`, async () => {
    const folds = text === text.toLowerCase()
    const match = (path: string) => (folds ? folded(nameOf(path)) : nameOf(path)).includes(text)
    assert.equal(await found(names, text, 'text'), expected(match))
  })
}

for (const text of [
  '/',
  'usr/',
  'usr/lib',
  '/usr/lib/lib',
  'lib/lib.so/a',
  '/usr/Lib/',
  'etc/usr/lib/x',
  '/lib.so',
  '//',
]) {
  search(`paths with ${text} in them`, async () => {
    const folds = text === text.toLowerCase()
    const match = (path: string) => (folds ? folded(path) : path).includes(text)
    assert.equal(await found(names, text, 'text'), expected(match))
  })
}

const REGEXES: readonly (readonly [string, (path: string) => boolean])[] = [
  ['^lib\\.so', path => nameOf(path).startsWith('lib.so')],
  ['e.b', path => /e.b/s.test(nameOf(path))],
  ['^/usr/[^/]*$', path => /^\/usr\/[^/]*$/.test(path)],
]
for (const [regex, match] of REGEXES)
  search(`the regular expression ${regex}`, async () =>
    assert.equal(await found(names, regex, 'regex'), expected(match)),
  )

const GLOBS: readonly (readonly [string, (path: string) => boolean])[] = [
  ['*.so*', path => /^.*\.so.*$/s.test(nameOf(path))],
  ['?', path => [...nameOf(path)].length === 1],
  ['[ab]', path => /^[ab]$/.test(nameOf(path))],
  ['*', () => true],
  ['usr/*', path => /(^|\/)usr\/[^/]+$/.test(path)],
  ['/usr/**/a', path => /^\/usr\/(.*\/)?a$/.test(path)],
]
for (const [glob, match] of GLOBS) {
  search(`the glob ${glob}`, async () => {
    assert.equal(await found(names, glob, 'glob'), expected(match))
    // What can only be a glob is taken for one.
    if (glob !== '/usr/**/a') assert.is((await names.search.find(names.id, glob, 'text', 0))?.kind, 'glob')
  })
}

search('the same name comes first, then those that begin so', async () => {
  const { entries } = (await names.search.find(names.id, 'lib.so', 'text', 100)) ?? { entries: [] }
  const ranks = entries.map(({ name }) => (name === 'lib.so' ? 0 : 1))
  assert.equal(ranks, [...ranks].sort())
})

search('what was looked for is marked', async () => {
  for (const [query, kind] of [
    ['so', 'text'],
    ['usr/lib', 'text'],
    ['r.?ead', 'regex'],
    ['break', 'text'],
  ] as const) {
    const { entries } = (await names.search.find(names.id, query, kind, 100)) ?? { entries: [] }
    assert.ok(entries.length > 0)
    for (const { path, from, to } of entries) {
      const part = path.slice(from, to)
      if (kind === 'text') assert.is(part.toLowerCase(), query)
      else assert.match(part, new RegExp(`^(?:${query})$`))
    }
  }
})

search('a wrong pattern is told of, and later ones are found', async () => {
  const result = await names.search.find(names.id, '(', 'regex', 10)
  assert.match(result?.problem ?? '', /regular expression/)
  assert.is(result?.count, 0)
  assert.ok((await found(names, 'lib', 'regex')).length > 0)
})

search('names that are new are found after a change', async () => {
  const opened = await open(await imageOf(PATHS), here)
  const document = opened.documents.get(opened.id)
  assert.equal(await found(opened, 'brand-new', 'text'), [])
  const { mount } = await import('../../src/index.js')
  const working = await mount(document.image, { writable: true })
  document.work(working)
  working.fs.writeFileSync('/etc/brand-new', '')
  working.fs.rmSync('/usr/Lib', { recursive: true })
  document.changed()
  assert.equal(await found(opened, 'brand-new', 'text'), ['/etc/brand-new'])
  assert.equal(await found(opened, '/usr/Lib/', 'text'), [])
  opened.documents.close(opened.id)
})

/** A finder as it is in a worker whose regular expression never comes to an end. */
function hanging(): RunningFinder {
  const index = new SearchIndex()
  let hangs = false
  const never = <T>() => new Promise<T>(() => undefined)
  const calls: FinderCalls = {
    add: chunk => index.add(chunk),
    alive: () => (hangs ? never() : true),
    window: (...given) => (hangs ? never() : index.window(...given)),
    find: (query, kind, length) => {
      hangs ||= query === 'hang'
      return hangs ? never() : index.find(query, kind, length)
    },
  }
  return { calls, end: () => undefined }
}

search('a search that never ends is ended, and the next one finds', async () => {
  let started = 0
  let ended = 0
  const opened = await open(await imageOf(PATHS), () => {
    started++
    return { ...hanging(), end: () => ended++ }
  })
  const result = await opened.search.find(opened.id, 'hang', 'regex', 10)
  assert.match(result?.problem ?? '', /too long/)
  assert.is(ended, 1)
  assert.is(started, 2)
  assert.ok((await found(opened, 'lib', 'text')).length > 0)
  opened.documents.close(opened.id)
  assert.is(ended, 2)
})

search('of two searches at a time the last is answered', async () => {
  const [first, second] = await Promise.all([
    names.search.find(names.id, 'a', 'text', 1),
    names.search.find(names.id, 'lib', 'text', 1),
  ])
  assert.ok(first === undefined || first.search < (second?.search ?? 0))
  assert.ok((second?.count ?? 0) > 0)
})

search.run()
