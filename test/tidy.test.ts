// The map of the project, held by a test: rooms, arrows, cycles, lengths, bans, dead files. README draws the same map.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ROOT } from './helpers/paths.js'

const MAX_FILE_LINES = 400
const MAX_FUNCTION_LINES = 70
const GENERATED = new Set([
  'asm/layout.ts',
  'asm/build/layout.ts',
  'wasm/core-bytes.ts',
  'wasm/paged-core-bytes.ts',
  'wasm/build-core-bytes.ts',
  'wasm/fuzz-core-bytes.ts',
  'wasm/fuzz-build-core-bytes.ts',
  'wasm/fuzz-codec-core-bytes.ts',
])

/** Which rooms a room may import from; itself always. Entries and hosts come last. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  asm: [],
  wasm: ['src/format'],
  'src/format': [],
  'src/source': ['src/format'],
  'src/image': ['wasm', 'src/format', 'src/source'],
  'src/anatomy': ['wasm', 'src/format', 'src/image'],
  'src/store': ['src/format', 'src/source'],
  'src/bridge': ['src/format', 'src/source', 'src/store'],
  'src/tree': ['wasm', 'src/format', 'src/image'],
  'src/writer': ['src/format', 'src/tree'],
  'src/overlay': ['wasm', 'src/format', 'src/image', 'src/store'],
  'src/vfs': ['src/format', 'src/overlay'],
  'src/oci': ['src/format', 'src/overlay'],
  'src/wasi': ['src/format', 'src/overlay'],
  'src/fuzz': [
    'wasm',
    'src/format',
    'src/source',
    'src/image',
    'src/anatomy',
    'src/store',
    'src/overlay',
    'src/tree',
    'src/writer',
    'src/vfs',
    'src/wasi',
    'src',
  ],
  'src/host': ['src/format', 'src/source', 'src/store', 'src/bridge', 'src/tree', 'src/overlay'],
  'src/publish': ['src/format', 'src/source', 'src/store'],
  'src/cli': [
    'src/anatomy',
    'wasm',
    'src/format',
    'src/source',
    'src/image',
    'src/store',
    'src/overlay',
    'src/tree',
    'src/writer',
    'src/host',
    'src/bridge',
    'src/publish',
    'src/wasi',
    'src/fuzz',
    'src',
  ],
  'src/playground': [],
  'src/playground/engine': [
    'wasm',
    'src/format',
    'src/source',
    'src/image',
    'src/anatomy',
    'src/store',
    'src/bridge',
    'src/overlay',
    'src/tree',
    'src/writer',
    'src/vfs',
    'src/oci',
    'src/wasi',
    'src/playground',
    'src',
  ],
  'src/playground/page': ['src/playground', 'src/playground/engine'],
  src: [
    'wasm',
    'src/format',
    'src/source',
    'src/image',
    'src/store',
    'src/bridge',
    'src/overlay',
    'src/tree',
    'src/writer',
    'src/host',
    'src/vfs',
    'src/oci',
    'src/wasi',
    'src/fuzz',
  ],
}

/** Where Node's own modules may be imported. */
const NODE_ROOMS = [/^src\/node\.ts$/, /^src\/store\/directory[a-z-]*\.ts$/, /^src\/(cli|host)\//]

interface SourceFile {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  readonly imports: readonly string[]
}

function listed(dir: string): string[] {
  return readdirSync(join(ROOT, dir), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name)))
}

function importsOf(text: string): string[] {
  const found = text.matchAll(/^(?:import|export)\b[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm)
  return Array.from(found, match => match[1] ?? match[2] ?? match[3])
}

const paths = new Set(['asm', 'wasm', 'src'].flatMap(listed))

const files: SourceFile[] = [...paths]
  .filter(path => !GENERATED.has(path))
  .map(path => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    return { path, text, lines: text.split('\n'), imports: importsOf(text) }
  })

function roomOf(path: string): string {
  const parts = path.split('/')
  if (parts[0] !== 'src' || parts.length <= 2) return parts[0]
  return parts[1] === 'playground' && parts.length > 3 ? `src/playground/${parts[2]}` : `src/${parts[1]}`
}

/** The file that a relative import means. */
function target(file: SourceFile, specifier: string): string {
  const path = normalize(join(dirname(file.path), specifier))
    .replace(/\.js$/, '.ts')
    .replace(/^(asm\/[^.]+)$/, '$1.ts')
  return !paths.has(path) && paths.has(`${path}x`) ? `${path}x` : path
}

function localImports(file: SourceFile): string[] {
  return file.imports.filter(name => name.startsWith('.')).map(name => target(file, name))
}

const tidy = suite('tidy')

tidy('arrows between rooms point one way', () => {
  for (const file of files) {
    const room = roomOf(file.path)
    const allowed = ARROWS[room]
    assert.ok(allowed, `${file.path}: no such room on the map`)
    for (const path of localImports(file)) {
      const other = roomOf(path)
      assert.ok(other === room || allowed.includes(other), `${file.path} imports ${path}: no arrow ${room} -> ${other}`)
    }
  }
})

tidy('the page of the playground knows its worker by types alone', () => {
  for (const { path, text } of files.filter(file => roomOf(file.path) === 'src/playground/page')) {
    assert.not.match(text, /^(?:import|export) (?!type\b)[^'"]*'[./]+\/engine\//m, path)
  }
})

tidy('imports make no cycle', () => {
  const byPath = new Map(files.map(file => [file.path, file]))
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): void => {
    assert.not.ok(way.includes(path), `cycle: ${[...way, path].join(' -> ')}`)
    const file = byPath.get(path)
    if (file === undefined || done.has(path)) return
    for (const next of localImports(file)) visit(next, [...way, path])
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
})

tidy('every import leads to a file', () => {
  for (const file of files) {
    for (const path of localImports(file)) assert.ok(existsSync(join(ROOT, path)), `${file.path} imports ${path}`)
  }
})

tidy('no file is dead', () => {
  const used = new Set(files.flatMap(localImports))
  const isEntry = (path: string) =>
    /^src\/(index|node|fuzz)\.ts$|\.main\.tsx?$|^asm\/(?:(?:build|codec)\/)?index\.ts$/.test(path)
  // The build puts the second in the place of a module of Node's.
  const named = ['src/format/structs.ts', 'src/playground/engine/no-zlib.ts']
  const dead = files.map(file => file.path).filter(path => !used.has(path) && !isEntry(path) && !named.includes(path))
  assert.equal(dead, [])
})

tidy('files and functions stay short', () => {
  for (const { path, lines } of files) {
    assert.ok(lines.length <= MAX_FILE_LINES, `${path} has ${lines.length} lines`)
    let start = -1
    lines.forEach((line, i) => {
      if (/^ {0,2}(?:export |async |static |function |[#\w]+\(|get |set )[^=;]*\{$/.test(line)) start = i
      if (/^ {0,2}\}$/.test(line) && start >= 0) {
        const length = i - start + 1
        const isFunction = /\)[^)]*\{$/.test(lines[start])
        assert.ok(!isFunction || length <= MAX_FUNCTION_LINES, `${path}:${start + 1}: function of ${length} lines`)
        start = -1
      }
    })
  }
})

tidy('every file says at its head what it is', () => {
  for (const { path, text } of files) assert.match(text, /^\/\/ \S/, `${path} has no head comment`)
})

tidy('names of files are kebab-case, and none is a drawer for everything', () => {
  for (const { path } of files) {
    const name = path.split('/').at(-1) ?? ''
    assert.match(name, /^[a-z0-9-]+(?:\.main)?\.tsx?$/, path)
    assert.not.match(name, /^(?:utils?|helpers?|misc|common)\.ts$/, path)
  }
})

tidy('only hosts import from Node', () => {
  for (const { path, text } of files) {
    if (NODE_ROOMS.some(room => room.test(path))) continue
    // A type leaves no trace in what is built.
    assert.not.match(text, /^(?:import|export) (?!type\b)[^'"]*'node:|\bimport\('node:/m, path)
  }
})

tidy('banned words stay out', () => {
  const bans: [RegExp, string, RegExp?][] = [
    [/:\s*any\b|<any>|\bas any\b/, 'any'],
    [/\bthrow\s+['"`]/, 'a thrown string'],
    [/\b(?:TODO|FIXME|XXX)\b(?!:? .*because)/, 'a TODO without a reason'],
    [/^(?:export )?let /m, 'module-level mutable state', /^asm\//],
    [/@ts-ignore|@ts-nocheck/, 'a silenced type error'],
    [/\bconsole\./, 'console', /^src\/cli\//],
  ]
  for (const { path, text } of files) {
    for (const [pattern, what, where] of bans) {
      if (where?.test(path)) continue
      const code = text.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '')
      assert.not.match(code, pattern, `${path} has ${what}`)
    }
  }
})

tidy('image bytes are loaded in one file', () => {
  // scratch.ts reads back what the core itself wrote, and what a caller handed in; xxh32.ts names that were checked. The
  // build core reads no image; all that it loads and stores is its own.
  const own = new Set(['asm/bytes.ts', 'asm/pages.ts', 'asm/scratch.ts', 'asm/xxh32.ts', 'asm/build/raw.ts'])
  // Decoders load the input that they are given, whose bounds were checked, and keep to it (their heads say how).
  const isOwn = (path: string) => own.has(path) || path.startsWith('asm/codec/')
  for (const { path, text } of files.filter(file => file.path.startsWith('asm/') && !isOwn(file.path))) {
    assert.not.match(text, path.startsWith('asm/build/') ? /\b(?:load|store)</ : /\bload</, path)
    assert.not.match(text, /\bunchecked\(|\bmemory\.compare/, path)
  }
})

tidy('every suite is run', () => {
  const tests = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.test.ts'),
  )
  for (const name of tests) {
    const text = readFileSync(join(ROOT, 'test', name), 'utf8')
    const suites = Array.from(text.matchAll(/^const (\w+) = suite\(/gm), match => match[1])
    assert.ok(suites.length > 0, `${name} has no suite`)
    for (const one of suites)
      assert.match(text, new RegExp(`^\\s*${one}\\.run\\(\\)`, 'm'), `${name}: ${one} is not run`)
    assert.not.match(text, /^\w+\.(?:before|after)\(/m, `${name}: set-up belongs at the top`)
    assert.not.match(text, /\.only\(/, `${name}: only`)
  }
})

tidy('nothing but what belongs stands at the top', () => {
  const allowed = new Set(
    'asm bench src test wasm .ci .gitignore CHANGELOG.md LICENSE README.md SECURITY.md biome.json package-lock.json package.json tsconfig.json'.split(
      ' ',
    ),
  )
  const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n')
  const top = new Set(tracked.map(path => path.split('/')[0]))
  assert.equal(
    [...top].filter(name => !allowed.has(name)),
    [],
  )
})

tidy.run()
