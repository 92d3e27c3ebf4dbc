// Debian packages that tests use as outside judges, installed where that can be done without asking: as root, with apt.
// Elsewhere, or when it fails, the tests that want them say what they skip.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Packages by the program that tells that they are there. */
const WANTED = {
  chromium: 'chromium',
  fsverity: 'fsverity',
  python3: 'python3',
  git: 'git',
  'fsck.erofs': 'erofs-utils',
  umoci: 'umoci',
  // With the linker and the C library that it makes WASI programs of.
  clang: 'clang lld wasi-libc libclang-rt-14-dev-wasm32',
}

/**
 * Servers, by the folder below node_modules that they are unpacked to. Installing these would add users, start services
 * and enable them for good; with them go those of the packages they depend on that are not installed. Who runs them:
 * test/helpers/swift.ts, test/helpers/nginx.ts.
 */
const SERVERS = {
  swift: ['swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached'],
  nginx: ['nginx-light'],
}
const rootOf = name => join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules/.cache', name)

const has = program => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const options = {
  stdio: ['ignore', 'ignore', 2],
  env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  timeout: 300_000,
}
const runs = (program, ...args) => spawnSync(program, args, options).status === 0

/** All or nothing: the folder has its name once everything is in it. */
function unpack(name) {
  const partial = `${rootOf(name)}.${process.pid}`
  const archives = join(partial, 'archives')
  mkdirSync(join(archives, 'partial'), { recursive: true })
  const download = ['install', '--download-only', '-qq', '-y', '--no-install-recommends', ...SERVERS[name]]
  const whole =
    runs('apt-get', '-o', `Dir::Cache::archives=${archives}`, ...download) &&
    readdirSync(archives)
      .filter(name => name.endsWith('.deb'))
      .every(name => runs('dpkg-deb', '--extract', join(archives, name), partial))
  rmSync(archives, { recursive: true, force: true })
  if (whole && !existsSync(rootOf(name))) renameSync(partial, rootOf(name))
  else rmSync(partial, { recursive: true, force: true })
  return whole
}

const missing = Object.keys(WANTED).filter(program => !has(program))
const wanted = Object.keys(SERVERS).filter(name => !existsSync(rootOf(name)) && !has(name))

if (missing.length + wanted.length > 0 && process.getuid?.() === 0 && has('apt-get')) {
  const packages = missing.flatMap(program => WANTED[program].split(' '))
  console.error(`fetching Debian packages: ${[...packages, ...wanted.flatMap(name => SERVERS[name])].join(' ')}`)
  runs('apt-get', 'update', '-qq')
  const install = names => runs('apt-get', 'install', '-qq', '-y', '--no-install-recommends', ...names)
  // One that this release does not have keeps none of the others away.
  const installed =
    packages.length === 0 || install(packages) || missing.map(name => install(WANTED[name].split(' '))).every(Boolean)
  const unpacked = wanted.map(unpack)
  if (!installed || unpacked.includes(false)) console.error('some could not be had; what needs them is skipped')
}
