// Test code that is written for Node, as a script for a browser: the modules of Node that it imports are stood in for by
// what a page or worker has (the files in stand-ins/). Buffer, process and setImmediate are given to files of the tests
// alone: the library gets nothing that a browser does not have. Not here: running it (suite-worker.ts).
import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import esbuild, { type Plugin } from 'esbuild'
import { ROOT } from '../helpers/paths.js'

const PLACE = join(ROOT, 'test/browser/stand-ins')

/** Module of Node, or of a test runner → what stands in for it. */
const STAND_INS: Readonly<Record<string, string>> = {
  uvu: 'uvu.ts',
  'node:assert': 'assert.ts',
  'node:child_process': 'absent.ts',
  'node:crypto': 'crypto.ts',
  'node:fs': 'files.ts',
  'node:os': 'place.ts',
  'node:path': 'place.ts',
  'node:path/posix': 'place.ts',
  'node:url': 'place.ts',
  'node:timers/promises': 'timers.ts',
  'node:util': 'util.ts',
  'node:zlib': 'files.ts',
}
/** Packages that are Node's modules, written anew. */
const PACKAGES: Readonly<Record<string, string>> = {
  'node:events': 'events',
  'node:stream': 'readable-stream',
}
/** Files of the library that are Node's, by their ends. */
const FILES: Readonly<Record<string, string>> = {
  'src/node.ts': 'node-entry.ts',
  'src/host/hash.ts': 'crypto.ts',
  'src/store/directory.ts': 'node-entry.ts',
}

const GLOBALS = ['Buffer', 'process', 'setImmediate']

function globalsFor(path: string, text: string): string {
  const used = GLOBALS.filter(name => new RegExp(`(?<![.\\w])${name}\\b`).test(text))
  if (used.length === 0 || dirname(path) === PLACE) return ''
  return `import { ${used.join(', ')} } from '${PLACE}/globals.ts';`
}

const standIns: Plugin = {
  name: 'stand-ins',
  setup(build) {
    build.onResolve({ filter: /^(uvu$|node:)/ }, ({ path, resolveDir }) => {
      if (path in PACKAGES) return build.resolve(`${PACKAGES[path]}/`, { resolveDir, kind: 'import-statement' })
      return path in STAND_INS ? { path: join(PLACE, STAND_INS[path]) } : undefined
    })
    build.onResolve({ filter: /^\.{1,2}\/.*\.js$/ }, ({ path, resolveDir }) => {
      const file = relative(ROOT, join(resolveDir, path)).replace(/\.js$/, '.ts')
      return file in FILES && resolveDir !== PLACE ? { path: join(PLACE, FILES[file]) } : undefined
    })
    // The plain decoder is there to be compared with, and runs in Node as well.
    build.onLoad({ filter: /\/test\/.*\.ts$|\/src\/fuzz\/plain-[a-z]+\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      return { contents: globalsFor(path, text) + text, loader: 'ts' }
    })
  },
}

/** A script from code that may import from the tests; paths in it are below the checkout. */
export async function forBrowser(code: string): Promise<string> {
  const result = await esbuild.build({
    stdin: { contents: code, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
    // Tests are programs, though the package says that none of its files are.
    ignoreAnnotations: true,
    plugins: [standIns],
  })
  return result.outputFiles[0].text
}
