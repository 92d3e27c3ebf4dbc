// The preview1 tests of github.com/WebAssembly/wasi-testsuite, as its branch prod/testsuite-base has them compiled: what there is, and
// one run of a test on each host. Not here: who must pass what (testsuite.test.ts).
// Its form is doc/specification.md there: NAME.wasm, and beside it NAME.json with args, env, root, exit_code, stdout, stderr.
import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { WASI } from 'node:wasi'
import { buildImage, MemoryStore, type Mount, mountSync, runWasi, TreeBuilder } from '../../src/node.js'

/** Errors as Linux gives them are asked for; without it the tests take those of other systems too. */

/** What the suite calls preview1. */
const TARGET = /wasm32-wasip1$/

export interface SuiteTest {
  /** Language and name. */
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The directory that it sees as `/`, if any. */
  readonly root: string | undefined
  readonly expected: {
    readonly exitCode: number
    readonly stdout: string | undefined
    readonly stderr: string | undefined
  }
}

interface Specification {
  readonly args?: string[]
  readonly env?: Record<string, string>
  readonly root?: string
  readonly dirs?: string[]
  readonly exit_code?: number
  readonly stdout?: string
  readonly stderr?: string
}

/** All tests in or below a directory, in order. */
export function suiteTests(directory: string): SuiteTest[] {
  const found: SuiteTest[] = []
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.wasm') || !TARGET.test(entry.parentPath)) continue
    const program = join(entry.parentPath, entry.name)
    const given = program.replace(/\.wasm$/, '.json')
    const {
      args = [],
      env = {},
      root,
      exit_code = 0,
      stdout,
      stderr,
    } = (existsSync(given) ? JSON.parse(readFileSync(given, 'utf8')) : {}) as Specification
    const [language] = relative(directory, entry.parentPath)
      .split('/')
      .filter(name => name !== 'tests')
    found.push({
      name: `${language} ${entry.name.slice(0, -'.wasm'.length)}`,
      program,
      args,
      env,
      root: root === undefined ? undefined : join(entry.parentPath, root),
      expected: { exitCode: exit_code, stdout, stderr },
    })
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What is wrong with what a test did; undefined where nothing is. */
export type Verdict = string | undefined

function verdict({ expected }: SuiteTest, exitCode: number, stdout: string, stderr: string): Verdict {
  const wrong: string[] = []
  if (exitCode !== expected.exitCode) wrong.push(`exit code ${exitCode}`)
  if (expected.stdout !== undefined && stdout !== expected.stdout) wrong.push(`stdout ${JSON.stringify(stdout)}`)
  if (expected.stderr !== undefined && stderr !== expected.stderr) wrong.push('stderr')
  return wrong.length === 0 ? undefined : `${wrong.join(', ')}: ${stderr.trim().slice(0, 400)}`
}

/** A writable mount of an image that holds the tree. */
async function mountOf(directory: string): Promise<Mount> {
  const builder = new TreeBuilder()
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const at = `/${relative(directory, path)}`
    if (entry.isDirectory()) builder.addDirectory(at)
    else builder.addFile(at, readFileSync(path))
  }
  const store = new MemoryStore()
  const { image } = await buildImage(builder, { store })
  return mountSync(image, { store, writable: true })
}

/** On ours. */
export async function runOurs(test: SuiteTest, module: WebAssembly.Module): Promise<Verdict> {
  const mount = test.root === undefined ? undefined : await mountOf(test.root)
  try {
    const where = mount === undefined ? { layers: {} } : { mount }
    const name = `${test.name.split(' ')[1]}.wasm`
    const ran = await runWasi(module, { ...where, name, args: test.args, env: test.env })
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
    const stderr = `${text(ran.stderr)}${ran.trap === undefined ? '' : `${ran.trap.message}`}`
    return verdict(test, ran.exitCode, text(ran.stdout), stderr)
  } finally {
    mount?.unmount()
  }
}

/** On Node's own, over a directory that holds a copy of the tree. */
export async function runNodes(test: SuiteTest, module: WebAssembly.Module): Promise<Verdict> {
  const base = mkdtempSync(join(tmpdir(), 'wasi-testsuite-'))
  const at = (name: string) => join(base, name)
  writeFileSync(at('stdin'), '')
  const [stdin, stdout, stderr] = ['stdin', 'stdout', 'stderr'].map(name =>
    openSync(at(name), name === 'stdin' ? 'r' : 'w+'),
  )
  try {
    if (test.root !== undefined) cpSync(test.root, at('root'), { recursive: true })
    const wasi = new WASI({
      version: 'preview1',
      args: [`${test.name.split(' ')[1]}.wasm`, ...test.args],
      env: { ...test.env },
      preopens: test.root === undefined ? {} : { '/': at('root') },
      stdin,
      stdout,
      stderr,
      returnOnExit: true,
    })
    let exitCode = 134
    let trap = ''
    try {
      exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject() as WebAssembly.Imports))
    } catch (error) {
      trap = String(error)
    }
    return verdict(test, exitCode, readFileSync(at('stdout'), 'utf8'), readFileSync(at('stderr'), 'utf8') + trap)
  } finally {
    for (const fd of [stdin, stdout, stderr]) closeSync(fd)
    rmSync(base, { recursive: true, force: true })
  }
}
