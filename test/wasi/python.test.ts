// CPython with its library inside an image: how much of it is read through our calls, and its own tests, which may fail nowhere that
// they don't under Node's own WASI on a directory with the same files. WASI_PYTHON_TESTS=all runs all of them, a minute and more.
import host from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, type Layer, MemoryStore, type Mount, mount, runWasi } from '../../src/node.js'
import { newAttr } from '../../src/overlay/layer.js'
import { skip } from '../helpers/paths.js'
import { guestModule, PYTHON_ENV, pythonTree, runUnderNode, script } from './npm-guests.js'

/** Files of the library that must have been read: most of it. */
const ENOUGH = 500
const MODULES = ['os', 'shutil', 'pathlib', 'tempfile', 'zipfile'].map(name => `test.test_${name}`)
const SQLITE = ['backup', 'dbapi', 'dump', 'factory', 'hooks', 'regression', 'transactions', 'types', 'userfunctions']
/** What of test_zipfile, whose classes repeat each other for each method of compression, is run where time is short. */
const ZIPFILE = [
  'StoredTestsWithSourceFile',
  'DeflateTestZip64InSmallFiles',
  'OtherTests',
  'TestsWithMultipleOpens',
  'ZipInfoTests',
]
const ALL = process.env['WASI_PYTHON_TESTS'] === 'all'

const python = suite('WASI: Python')
const program = guestModule('python')
const tree = pythonTree()

interface World {
  readonly module: WebAssembly.Module
  readonly tree: string
  readonly image: Uint8Array
  readonly store: MemoryStore
}

const decode = (bytes: Uint8Array) => Buffer.from(bytes).toString()

/** The same layer, and the inode numbers of the regular files that are opened in it. */
function watched(mounted: Mount): { layer: Layer; opened: Set<number> } {
  const inner: Layer = mounted.layer
  const opened = new Set<number>()
  const attr = newAttr()
  const open: Layer['open'] = (node, wait) => {
    inner.stat(node, attr)
    opened.add(attr.ino)
    return inner.open(node, wait)
  }
  const layer = new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      return key === 'open' ? open : typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { layer, opened }
}

async function readsItsLibrary({ module, image, store }: World): Promise<void> {
  const { layer, opened } = watched(await mount(image, { store }))
  const args = ['-c', script('import-all.py')]
  const { exitCode, stdout, stderr, lacked } = await runWasi(module, {
    mount: layer,
    name: 'python',
    args,
    env: PYTHON_ENV,
  })
  assert.is(exitCode, 0, decode(stderr))
  assert.is(lacked, undefined)
  const [imported, where] = decode(stdout).trim().split('\n').at(-1)?.split(' ') ?? []
  assert.is(where, '/python/lib/python3.11/os.py')
  console.log(`note: ${imported} modules of Python's library imported, ${opened.size} files of it opened in the image`)
  assert.ok(opened.size >= ENOUGH, `${opened.size}`)
}

/** Results by test; a test and those within it may have the same name. */
function results(stdout: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [, result = '', name = ''] of stdout.matchAll(/^@ (\S+) (.*) [\d.]+$/gm)) {
    found.set(name, [...(found.get(name) ?? []), result])
  }
  return found
}

const failures = (found: ReadonlyMap<string, string[]>) =>
  [...found].filter(([, all]) => all.some(result => /^[A-Z]+$/.test(result))).map(([name]) => name)
const skipped = (found: ReadonlyMap<string, string[]>) =>
  [...found].filter(([, all]) => all.includes('skipped')).map(([name]) => name)

async function passesItsTests({ module, tree, image, store }: World, names: readonly string[]): Promise<void> {
  const mounted = await mount(image, { store, writable: true })
  mounted.fs.mkdirSync('/tmp', { mode: 0o1777 })
  const args = ['-c', script('python-tests.py'), ...names]
  const ours = await runWasi(module, { mount: mounted, name: 'python', args, env: PYTHON_ENV })
  assert.is(ours.exitCode, 0, `${ours.trap?.message}\n${decode(ours.stderr)}`)
  const dir = host.mkdtempSync(join(tmpdir(), 'composefs-wasi-python-'))
  try {
    host.cpSync(tree, dir, { recursive: true })
    host.mkdirSync(join(dir, 'tmp'))
    const nodes = runUnderNode(module, { preopens: { '/': dir }, name: 'python', args, env: PYTHON_ENV })
    assert.is(nodes.exitCode, 0, nodes.stderr)
    const [here, there] = [results(decode(ours.stdout)), results(nodes.stdout)]
    assert.ok(here.size > 0)
    assert.not.match(nodes.stdout, '_FailedTest')
    assert.equal([...here.keys()].sort(), [...there.keys()].sort())
    const theirs = failures(there)
    assert.equal(
      failures(here).filter(name => !theirs.includes(name)),
      [],
      decode(ours.stderr),
    )
    assert.equal(skipped(here), skipped(there))
    const passed = here.size - skipped(here).length
    const failed = `${failures(here).length} fail here, ${theirs.length} under node:wasi`
    console.log(
      `note: ${names[0]} and ${names.length - 1} more of Python's own: ${here.size} tests, ${passed} of them run, ${failed}`,
    )
  } finally {
    host.rmSync(dir, { recursive: true, force: true })
  }
}

/** One compiled program on both; the first run of each compiles what it uses of it. */
async function startsInGoodTime({ module, tree, image, store }: World): Promise<void> {
  const args = ['-c', 'print("started")']
  const times: { ours: number; nodes: number }[] = []
  let calls: Readonly<Record<string, number>> = {}
  for (let i = 0; i < 4; i++) {
    const started = performance.now()
    let ours = 0
    const stdout = () => {
      ours ||= performance.now() - started
    }
    const mounted = await mount(image, { store })
    const { exitCode } = await runWasi(module, { mount: mounted, name: 'python', args, env: PYTHON_ENV, stdout })
    const nodes = runUnderNode(module, { preopens: { '/': tree }, name: 'python', args, env: PYTHON_ENV })
    assert.equal([exitCode, nodes.exitCode, nodes.stdout], [0, 0, 'started\n'])
    assert.ok(ours > 0)
    times.push({ ours, nodes: nodes.first })
    calls = nodes.calls
  }
  const least = (kind: 'ours' | 'nodes') => Math.min(...times.map(time => time[kind])).toFixed(0)
  const made = ['path_open', 'path_filestat_get', 'fd_read', 'fd_readdir'].map(name => `${calls[name]} ${name}`)
  console.log(
    `note: Python to its first output, mount included: ${least('ours')} ms, ${least('nodes')} ms under node:wasi`,
  )
  console.log(`note: it makes ${made.join(', ')}`)
}

if (program === undefined || tree === undefined) {
  skip(python, 'Python on an image', `${program === undefined ? 'its program' : 'its library'} could not be fetched`)
} else {
  const store = new MemoryStore()
  const { image } = await buildImage(tree, { store })
  const world = { module: program, tree, image, store }

  python('its library is read from the image, file by file', () => readsItsLibrary(world))
  const modules = ALL ? MODULES : MODULES.filter(name => !name.endsWith('zipfile'))
  python('its own tests of os, shutil, pathlib and tempfile', () => passesItsTests(world, modules))
  if (!ALL) {
    const classes = ZIPFILE.map(name => `test.test_zipfile.${name}`)
    python('its own tests of zipfile, some of them', () => passesItsTests(world, classes))
  }
  const sqlite = SQLITE.map(name => `sqlite3.test.${name}`)
  python('its own tests of sqlite3', () => passesItsTests(world, sqlite))
  python('how soon it begins', () => startsInGoodTime(world))
}

python.run()
