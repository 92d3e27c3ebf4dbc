// Makes a checkout ready to run: installs npm packages when they are missing or the lock file is newer, and builds
// when a source is newer than what was built. Run by npm start, npm test, npm run check and npm run bench.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const mtime = path => (existsSync(path) ? statSync(path).mtimeMs : 0)

function newest(dir) {
  let latest = mtime(dir)
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    latest = Math.max(latest, entry.isDirectory() ? newest(path) : mtime(path))
  }
  return latest
}

const installed = join(root, 'node_modules/.package-lock.json')
if (mtime(installed) === 0 || mtime(installed) < mtime(join(root, 'package-lock.json'))) {
  console.error('installing npm packages')
  // None of them needs its scripts: what is built for a platform comes as a package of its own.
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] })
}

const cores = ['core', 'paged-core', 'build-core', 'fuzz-core']
const generated = new Set(['layout.ts', ...cores.flatMap(name => [`${name}-bytes.ts`, `${name}.wasm`])])
const sources = ['asm', 'src', 'wasm', '.ci', 'package.json', 'tsconfig.json'].map(name => {
  const path = join(root, name)
  if (!statSync(path).isDirectory()) return mtime(path)
  const files = readdirSync(path, { withFileTypes: true }).filter(entry => !generated.has(entry.name))
  return Math.max(
    ...files.map(entry => (entry.isDirectory() ? newest(join(path, entry.name)) : mtime(join(path, entry.name)))),
  )
})
if (mtime(join(root, 'dist/.built')) < Math.max(...sources)) {
  console.error('building')
  const { build } = await import('./build.mjs')
  await build()
}
