// Builds what a user installs: the WebAssembly core (asm/ -> wasm/), the bundled entries and commands (src/ -> dist/)
// and the type declarations.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { instrument } from './instrument.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const at = path => join(root, path)

/** What a module of src/format exports. */
async function imported(esbuild, path) {
  const result = await esbuild.build({ entryPoints: [at(path)], bundle: true, format: 'esm', write: false })
  const code = Buffer.from(result.outputFiles[0].contents).toString('base64')
  return import(`data:text/javascript;base64,${code}`)
}

function writeIfNew(path, text) {
  if (!existsSync(at(path)) || readFileSync(at(path), 'utf8') !== text) writeFileSync(at(path), text)
}

/** Tables of src/format as the constants that the cores are compiled with: asm/layout.ts, asm/build/layout.ts. */
async function writeLayouts(esbuild) {
  const { CORE_PAGES, FULL_CORE_PAGES, layoutConstants } = await imported(esbuild, 'src/format/structs.ts')
  const { buildConstants } = await imported(esbuild, 'src/format/build-layout.ts')
  const lines = constants => constants.map(([name, value]) => `export const ${name}: u32 = ${value}`).join('\n')
  writeIfNew('asm/layout.ts', `// Written by the build from src/format/structs.ts.\n${lines(layoutConstants())}\n`)
  writeIfNew(
    'asm/build/layout.ts',
    `// Written by the build from src/format/build-layout.ts.\nexport * from '../layout'\n${lines(buildConstants())}\n`,
  )
  return { pages: CORE_PAGES, fullPages: FULL_CORE_PAGES }
}

/** Compiles a core. */
async function compiled(asc, entry, pages, more, planted = text => text) {
  const args = [entry, '-o', 'core.wasm', '--runtime', 'stub', '-O3', '--noAssert', '--importMemory']
  args.push(
    '--zeroFilledMemory',
    '--initialMemory',
    String(pages),
    '--maximumMemory',
    '65536',
    '--use',
    'abort=',
    ...more,
  )
  let bytes
  const { error, stderr } = await asc.main(args, {
    readFile: (file, base = root) =>
      existsSync(join(base, file)) ? planted(readFileSync(join(base, file), 'utf8'), file) : null,
    writeFile: (_file, data) => {
      bytes = data
    },
    listFiles: (dir, base = root) =>
      existsSync(join(base, dir))
        ? readdirSync(join(base, dir)).filter(file => file.endsWith('.ts') && !file.endsWith('.d.ts'))
        : null,
  })
  if (error) throw new Error(`${entry} does not compile:\n${stderr.toString()}`, { cause: error })
  return bytes
}

/** Writes a core: wasm/NAME.wasm and, as a module that any bundler and any host can load, wasm/NAME-bytes.ts. */
function writeCore(name, { bytes, edges }) {
  writeFileSync(at(`wasm/${name}.wasm`), bytes)
  const constant = name.replaceAll('-', '_').toUpperCase()
  const base64 = Buffer.from(bytes).toString('base64')
  const counted = edges === undefined ? '' : `export const ${constant}_EDGES = ${edges}\n`
  const text = `// Written by the build from asm/.\nexport const ${constant}_BASE64 =\n  '${base64}'\n${counted}`
  writeFileSync(at(`wasm/${name}-bytes.ts`), text)
}

const kind = (...set) => ['PAGED', 'FULL', 'SPILLS'].flatMap(name => ['--use', `${name}=${set.includes(name) ? 1 : 0}`])
/** For what mkcomposefs writes; for any EROFS image; the same where only some of its pages are in memory. */
const RESIDENT = kind()
const FULL = kind('FULL', 'SPILLS')
const PAGED = kind('PAGED', 'FULL', 'SPILLS')
/** No planted fault (asm/canary.ts). */
const SOUND = ['--use', 'CANARY=0']

/** Pages that the counters of a core that is to be fuzzed take, below its own. */
const COUNTER_PAGES = 1

/** A core with edge counters, and how many they are. */
async function counted(asc, entry, pages, more, planted) {
  const args = ['--memoryBase', String(COUNTER_PAGES * 65536), ...more]
  return instrument(await compiled(asc, entry, COUNTER_PAGES + pages, args, planted))
}

function fuzzCore(asc, pages, more) {
  return counted(asc, 'asm/index.ts', pages, [...FULL, ...more])
}

/** The core that is fuzzed, with a planted fault (asm/canary.ts). */
export async function canaryCore(canary) {
  const { FULL_CORE_PAGES } = await imported(await import('esbuild'), 'src/format/structs.ts')
  const { default: asc } = await import('assemblyscript/asc')
  return fuzzCore(asc, FULL_CORE_PAGES, ['--use', `CANARY=${canary}`])
}

/** Pages for the tables of the decoders. */
const CODEC_PAGES = 16

/** The decoders of compressed clusters alone (asm/codec/index.ts), for tests. */
export async function codecCore() {
  const { default: asc } = await import('assemblyscript/asc')
  return compiled(asc, 'asm/codec/index.ts', CODEC_PAGES, [])
}

/** The decoders that are fuzzed, with other text in their source: `planted` answers it for that of a file. */
export async function codecCanaryCore(planted) {
  const { default: asc } = await import('assemblyscript/asc')
  return counted(asc, 'asm/codec/index.ts', CODEC_PAGES, [], planted)
}

/** The cores that read images, and the one that builds them. */
export async function buildCore() {
  const esbuild = await import('esbuild')
  const { pages, fullPages } = await writeLayouts(esbuild)
  const { default: asc } = await import('assemblyscript/asc')
  writeCore('core', { bytes: await compiled(asc, 'asm/index.ts', pages, [...RESIDENT, ...SOUND]) })
  writeCore('paged-core', { bytes: await compiled(asc, 'asm/index.ts', fullPages, [...PAGED, ...SOUND]) })
  writeCore('full-core', { bytes: await compiled(asc, 'asm/index.ts', fullPages, [...FULL, ...SOUND]) })
  writeCore('build-core', { bytes: await compiled(asc, 'asm/build/index.ts', 1, []) })
  writeCore('fuzz-core', await fuzzCore(asc, fullPages, SOUND))
  writeCore('fuzz-build-core', await counted(asc, 'asm/build/index.ts', 1, []))
  writeCore('fuzz-codec-core', await counted(asc, 'asm/codec/index.ts', CODEC_PAGES, []))
}

async function bundle() {
  const esbuild = await import('esbuild')
  const { dependencies } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
  const shared = {
    bundle: true,
    format: 'esm',
    target: 'es2022',
    absWorkingDir: root,
    logLevel: 'warning',
    legalComments: 'none',
  }
  const external = Object.keys(dependencies).flatMap(name => [name, `${name}/*`])
  // What is imported when it is asked for stays in files of its own, so that a page need not carry it. Committing has its own
  // copy of all that writes images: shared with buildImage, it would be loaded with the entry.
  const lazy = './commit.js'
  const entry = { ...shared, outdir: 'dist', splitting: true, chunkNames: 'parts/[name]-[hash]' }
  await esbuild.build({
    ...entry,
    external: [...external, lazy],
    entryPoints: ['src/index.ts'],
    platform: 'browser',
  })
  // Shared with the entry, what it has would be in parts that the entry loads.
  await esbuild.build({ ...entry, external, entryPoints: ['src/fuzz.ts'], platform: 'browser' })
  await esbuild.build({ ...entry, external: [...external, lazy], entryPoints: ['src/node.ts'], platform: 'node' })
  dropBareImports()
  await esbuild.build({ ...shared, external, entryPoints: ['src/commit.ts'], outdir: 'dist', platform: 'browser' })
  // The thread that serves bridges carries everything too: a browser's worker knows nothing of where packages are.
  await esbuild.build({
    ...shared,
    entryPoints: ['src/bridge/worker.main.ts'],
    outfile: 'dist/bridge-worker.js',
    platform: 'browser',
    minify: true,
    // It is a program, though the package says that none of its files are.
    ignoreAnnotations: true,
  })
  // A command carries everything in one file: eighty small modules cost 60 ms at every start.
  const commands = existsSync(at('src/cli')) ? readdirSync(at('src/cli')).filter(name => name.endsWith('.main.ts')) : []
  // CommonJS starts some ten milliseconds sooner than a module does.
  const first = '#!/usr/bin/env node\n'
  const location = `const __url = require('node:url').pathToFileURL(__filename).href;`
  // What a command is before any of it is evaluated: another file.
  const elsewhere = ['run', 'fuzz'].map(
    name => `if (process.argv[2] === '${name}') return void require('./composefs-${name}.js');\n`,
  )
  const apart = { 'composefs.main.ts': elsewhere.join('') }
  mkdirSync(at('dist/bin'), { recursive: true })
  writeFileSync(at('dist/bin/package.json'), '{ "type": "commonjs" }\n')
  for (const name of commands) {
    const file = name.replace('.main.ts', '.js')
    const options = {
      ...shared,
      entryPoints: [`src/cli/${name}`],
      platform: 'node',
      format: 'cjs',
      minify: true,
      banner: { js: first + location },
    }
    const later = new Set()
    const banner = { js: first + (apart[name] ?? '') + location }
    const command = { ...options, banner, outfile: `dist/bin/${file}`, plugins: [withoutLater(later)] }
    await esbuild.build({ ...command, define: definitions(`./whole/${file}`) })
    chmodSync(at(`dist/bin/${file}`), 0o755)
    if (later.size === 0) continue
    await esbuild.build({ ...options, outfile: `dist/bin/whole/${file}`, define: definitions('') })
  }
}

/**
 * Parts import others for the sake of order alone, where nothing of them is used. None of our files has side effects, which
 * package.json says too: a user's bundler would warn of each.
 */
function dropBareImports() {
  for (const name of readdirSync(at('dist/parts'))) {
    const path = at(`dist/parts/${name}`)
    const text = readFileSync(path, 'utf8')
    const left = text.replace(/^import "\.\/[^"]*";\n/gm, '')
    if (left !== text) writeFileSync(path, left)
  }
}

function definitions(whole) {
  return { 'import.meta.url': '__url', WHOLE_BUNDLE: JSON.stringify(whole) }
}

/** Leaves out what a module of ours imports when it is asked for; src/cli/hand-over.ts says where it is then. */
function withoutLater(found) {
  const setup = build =>
    build.onResolve({ filter: /^\./ }, ({ kind, path, importer }) => {
      if (kind !== 'dynamic-import' || !/[\\/]src[\\/]cli[\\/]/.test(importer)) return undefined
      found.add(path)
      return { path, external: true }
    })
  return { name: 'without-later', setup }
}

function declarations() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  const args = ['-p', '.ci/tsconfig.types.json']
  try {
    execFileSync(process.execPath, [tsc, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  } catch (error) {
    throw new Error(`types do not check:\n${error.stdout}`)
  }
}

export async function build() {
  rmSync(at('dist'), { recursive: true, force: true })
  mkdirSync(at('dist'), { recursive: true })
  await buildCore()
  await bundle()
  declarations()
  const { buildSite } = await import('./site.mjs')
  await buildSite()
  writeFileSync(at('dist/.built'), '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build()
