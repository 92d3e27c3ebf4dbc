// Trees built from directories with their files' bytes: against the C tool (image digests, object sets, dumps) where it is
// named, against a plain computation elsewhere; with one thread and several; failures, changes, races.
// A small program in the shape of a command is made and run, since threads need a bundle of their own.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verityDigest } from '../../src/format/verity.js'
import type { BuildSummary } from '../../src/host/directory-build.js'
import { treeFromDump } from '../../src/tree/dump-source.js'
import { peer, runPeer } from '../helpers/command.js'
import { SHA256 } from '../helpers/hashes.js'
import { ROOT, skip } from '../helpers/paths.js'
import { makeSourceTree, ROOT_USER } from '../helpers/source-tree.js'
import { type NodeFacts, treeFacts } from '../helpers/tree-facts.js'

const test = suite('directory build')
const top = fs.mkdtempSync(join(tmpdir(), 'directory-build-'))
// Below node_modules, so that koffi is found from there.
const cache = join(ROOT, 'node_modules/.cache')
fs.mkdirSync(cache, { recursive: true })
const programs = fs.mkdtempSync(join(cache, 'directory-build-'))
process.on('exit', () => {
  fs.rmSync(top, { recursive: true, force: true })
  fs.rmSync(programs, { recursive: true, force: true })
})
const KOFFI = process.platform === 'linux' && fs.existsSync(join(ROOT, 'node_modules/koffi'))
const MKCOMPOSEFS = peer('MKCOMPOSEFS', 'mkcomposefs')
const COMPOSEFS_INFO = peer('COMPOSEFS_INFO', 'composefs-info')

const { path: source, missing } = makeSourceTree(join(top, 'source'))
for (const what of missing) console.log(`note: not in the tree: ${what}`)

/** Options and the paths come as JSON; says what came out as JSON, or the error's message. */
const PROGRAM = `
import fs from 'node:fs'
import { buildDirectory } from '${join(ROOT, 'src/host/directory-build.ts')}'
import { ingestFiles } from '${join(ROOT, 'src/host/ingest-pool.ts')}'
import { serveTasks } from '${join(ROOT, 'src/host/worker-pool.ts')}'
import { treeFacts } from '${join(ROOT, 'test/helpers/tree-facts.ts')}'
import { imageOf } from '${join(ROOT, 'src/writer/image-format.ts')}'

async function main() {
  const { source, image, format, again = 1, watch, ...options } = JSON.parse(process.argv[2])
  const told = { expected: [0, 0], added: [0, 0], calls: 0 }
  const sum = (into, files, bytes) => { into[0] += files; into[1] += bytes }
  if (watch) options.progress = {
    expect: (files, bytes) => sum(told.expected, files, bytes),
    add: (files, bytes) => { told.calls++; sum(told.added, files, bytes) },
  }
  for (let i = 0; i < again; i++) {
    const { tree, summary, release } = await buildDirectory(source, options)
    if (image !== undefined) fs.writeFileSync(image, Buffer.concat(Array.from(imageOf(tree, format ?? {}).pieces(), piece => Buffer.from(piece))))
    release()
    if (i === again - 1) console.log(JSON.stringify({ summary, told, facts: [...treeFacts(tree)] }))
  }
}
if (!serveTasks([ingestFiles])) main().catch(error => { console.log(JSON.stringify({ error: error.message, code: error.code })) })
`
const program = join(programs, 'build.cjs')
await build({
  stdin: { contents: PROGRAM, resolveDir: ROOT, loader: 'ts' },
  outfile: program,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  define: { 'import.meta.url': '__url' },
  banner: { js: 'const __url = require("node:url").pathToFileURL(__filename).href;' },
  logLevel: 'warning',
})

interface Options {
  readonly source: string
  readonly image?: string
  readonly format?: object
  readonly store?: string
  readonly threads?: number
  readonly useEpoch?: boolean
  readonly skipDevices?: boolean
  readonly xattrs?: 'none' | 'user' | 'all'
  readonly hardLinks?: boolean
  readonly cfsV1?: object
  readonly again?: number
  readonly watch?: boolean
}

interface Outcome {
  readonly summary: BuildSummary
  readonly facts: readonly [string, NodeFacts | string][]
  readonly told: { expected: [number, number]; added: [number, number]; calls: number }
  readonly error?: string
  readonly code?: string
}

const XATTRS = KOFFI ? 'all' : 'none'

function outcome(stdout: string): Outcome {
  return JSON.parse(stdout) as Outcome
}

function run(options: Options, environment: NodeJS.ProcessEnv = {}): Outcome {
  const args = [program, JSON.stringify({ xattrs: XATTRS, ...options })]
  const child = spawnSync(process.execPath, args, { env: { ...process.env, ...environment }, maxBuffer: 1 << 28 })
  assert.is(child.stderr.toString(), '')
  return outcome(child.stdout.toString())
}

function built(options: Options): Outcome {
  const said = run(options)
  assert.is(said.error, undefined)
  return said
}

let count = 0
const fresh = (): string => join(top, String(count++))

/** All names in a store's directories that are no directories themselves. */
function objectsOf(store: string): string[] {
  return fs
    .readdirSync(store, { recursive: true, withFileTypes: true })
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(store.length + 1))
    .sort()
}

function digestOf(data: Uint8Array): string {
  return Buffer.from(verityDigest(data, SHA256)).toString('hex')
}

/** Objects of a store are what their names say. */
function checkStore(store: string): string[] {
  const names = objectsOf(store)
  for (const name of names) {
    assert.match(name, /^[0-9a-f]{2}\/[0-9a-f]{62}$/)
    assert.is(digestOf(fs.readFileSync(join(store, name))), name.replace('/', ''))
  }
  return names
}

/** Says which entry differs, and no more. */
function sameFacts(ours: Outcome['facts'], theirs: Outcome['facts']): void {
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    assert.is(JSON.stringify(ours[i]), JSON.stringify(theirs[i]))
  }
}

/** Directories with whiteouts in them keep a mark of the image's in a dump of it. */
function withoutMarks(facts: [string, NodeFacts | string][]): Outcome['facts'] {
  for (const [, node] of facts) {
    if (typeof node === 'string') continue
    for (const name of ['trusted.overlay.opaque', 'user.overlay.opaque']) {
      if (node.xattrs[name] === 'x') delete node.xattrs[name]
    }
  }
  return facts
}

function regular(facts: Outcome['facts']): [string, NodeFacts][] {
  return (facts as [string, NodeFacts][]).filter(([, node]) => (node.mode & 0o170000) === 0o100000)
}

test('content, digests and payloads are those of the files', () => {
  const { facts, summary } = built({ source })
  let inlined = 0
  let bytes = 0
  for (const [path, node] of regular(facts)) {
    const data = fs.readFileSync(Buffer.from(source + path, 'latin1'))
    assert.is(node.size, data.length)
    const digest = digestOf(data)
    const external = data.length > 64
    assert.is(node.content, data.length > 0 && !external ? data.toString('hex') : undefined, path)
    assert.is(node.digest, external ? digest : undefined, path)
    assert.is(node.payload, external ? `${digest.slice(0, 2)}/${digest.slice(2)}` : undefined, path)
    bytes += data.length
    if (data.length > 0 && !external) inlined++
  }
  const files = regular(facts).filter(([, { size }]) => size > 0).length
  const none = { newObjects: 0, newBytes: 0, sharedObjects: 0, sharedBytes: 0 }
  assert.equal(summary, { files, bytes, ...none, inlined })
})

test('threads change nothing, and a store has each content once', () => {
  // Enough small files that threads are worth it.
  const many = fresh()
  for (let i = 0; i < 2500; i++) {
    if (i % 100 === 0) fs.mkdirSync(join(many, String(i / 100)), { recursive: true })
    fs.writeFileSync(join(many, String(Math.floor(i / 100)), String(i)), `${i % 300} `.repeat(i % 97))
  }
  const stores = [1, 2, 5].map(threads => {
    const store = fresh()
    const { facts, summary } = built({ source: many, store, threads })
    const names = checkStore(store)
    const external = regular(facts).filter(([, { size }]) => size > 64)
    assert.equal(names, [...new Set(external.map(([, { payload }]) => payload))].sort())
    assert.is(summary.newObjects, names.length)
    assert.is(summary.newObjects + summary.sharedObjects, external.length)
    const total = (all: string[]) => all.reduce((sum, name) => sum + fs.statSync(join(store, name)).size, 0)
    assert.is(summary.newBytes, total(names))
    assert.is(
      summary.newBytes + summary.sharedBytes,
      external.reduce((sum, [, { size }]) => sum + size, 0),
    )
    const again = built({ source: many, store, threads })
    assert.is(again.summary.newObjects, 0)
    assert.is(again.summary.sharedObjects, external.length)
    assert.equal(again.facts, facts)
    return { facts, names, summary }
  })
  assert.equal(stores[1], stores[0])
  assert.equal(stores[2], stores[0])
  const watched = built({ source: many, threads: 3, watch: true })
  assert.equal(watched.facts, stores[0].facts)
  assert.equal(watched.told.expected, [watched.summary.files, watched.summary.bytes])
  assert.equal(watched.told.added, watched.told.expected)
})

test('the store is made when there is something to store, and not before', () => {
  const small = fresh()
  fs.mkdirSync(small)
  fs.writeFileSync(join(small, 'file'), 'x'.repeat(64))
  const store = join(fresh(), 'not/there')
  assert.is(built({ source: small, store }).summary.inlined, 1)
  assert.not.ok(fs.existsSync(join(store, '../..')))
  fs.writeFileSync(join(small, 'file'), 'x'.repeat(65))
  assert.is(built({ source: small, store }).summary.newObjects, 1)
  assert.is(fs.statSync(store).mode & 0o777, 0o755 & ~process.umask())
  assert.is(checkStore(store).length, 1)
})

test('hard links are read once, and are links', () => {
  const { facts, summary } = built({ source, hardLinks: true })
  const plain = built({ source })
  assert.is(summary.files, plain.summary.files - 2)
  const all = new Map(facts)
  assert.is(all.get('/bin/z-second'), 'link to /bin/a-b/first')
  assert.is(all.get('/empty/third'), 'link to /bin/a-b/first')
  assert.equal(all.get('/bin/a-b/first'), new Map(plain.facts).get('/bin/a-b/first'))
})

test('cfs v1: sizes, ctimes and names of files as its own tool had them', () => {
  const relative = new Map(built({ source, cfsV1: { payload: 'relative', digest: false } }).facts)
  const link = join(top, 'to-source')
  fs.symlinkSync(source, link)
  const options = { source: `${link}/`, cfsV1: { payload: 'absolute', digest: true } }
  const absolute = new Map(built(options).facts)
  const store = fresh()
  const byDigest = built({ source, store, cfsV1: { payload: 'digest', digest: true } })
  for (const [path, node] of regular(byDigest.facts)) {
    const data = fs.readFileSync(Buffer.from(source + path, 'latin1'))
    const digest = data.length === 0 ? undefined : digestOf(data)
    assert.is(node.content, undefined)
    assert.is(node.digest, digest, path)
    assert.is(node.payload, digest && `${digest.slice(0, 2)}/${digest.slice(2)}`)
    const near = relative.get(path) as NodeFacts
    assert.is(near.digest, undefined)
    assert.is(near.payload, data.length === 0 ? undefined : path.slice(1))
    const far = absolute.get(path) as NodeFacts
    assert.is(far.digest, digest)
    assert.is(far.payload, data.length === 0 ? undefined : fs.realpathSync(source) + path)
  }
  assert.is(checkStore(store).length, byDigest.summary.newObjects)
  assert.is(byDigest.summary.inlined, 0)
})

test('failures name the file or the path', () => {
  const none = run({ source: join(top, 'none') })
  assert.is(none.error, `lstat: ${join(top, 'none')}: no such file or directory`)
  const blocked = fresh()
  fs.writeFileSync(blocked, '')
  assert.is(run({ source, store: blocked }).error, `object store: ${blocked}: not a directory`)
  assert.is(run({ source, store: join(blocked, 'in') }).error, `object store: ${join(blocked, 'in')}: not a directory`)
})

if (!KOFFI) skip(test, 'xattrs of files, directories and links', 'koffi is not installed')
else {
  test('xattrs of files, directories and links', () => {
    if (missing.some(what => what.startsWith('xattrs'))) return
    const all = new Map(built({ source }).facts) as Map<string, NodeFacts>
    assert.is(all.get('/bin/size-65')?.xattrs['user.note'], 'hello')
    assert.is(all.get('/bin')?.xattrs['user.note'], 'hello')
    assert.is(all.get('/bin/size-1')?.xattrs['user.empty'], '')
    assert.is(all.get('/bin/size-64')?.xattrs['user.large'], 'v'.repeat(2000))
    if (ROOT_USER) assert.equal(all.get('/z/link')?.xattrs, { 'trusted.link': 'of the link itself' })
    const user = new Map(built({ source, xattrs: 'user' }).facts) as Map<string, NodeFacts>
    for (const { xattrs } of user.values()) assert.ok(Object.keys(xattrs).every(name => name.startsWith('user.')))
    assert.is(user.get('/bin/size-65')?.xattrs['user.note'], 'hello')
    const none = new Map(built({ source, xattrs: 'none' }).facts) as Map<string, NodeFacts>
    for (const { xattrs } of none.values()) assert.equal(xattrs, {})
  })
}

test('without koffi, xattrs are an error that says what to do, and are not missed when left out', () => {
  const alone = join(top, 'alone.cjs')
  fs.copyFileSync(program, alone)
  const said = (xattrs: string) => {
    const args = [alone, JSON.stringify({ source, xattrs })]
    return outcome(spawnSync(process.execPath, args, { cwd: top, encoding: 'utf8', maxBuffer: 1 << 28 }).stdout)
  }
  assert.match(said('all').error ?? '', /^cannot read xattrs: .*, or leave them out$/)
  assert.is(said('none').error, undefined)
})

if (MKCOMPOSEFS === undefined || COMPOSEFS_INFO === undefined) {
  skip(test, 'as the C tool', 'MKCOMPOSEFS and COMPOSEFS_INFO name no tools')
} else {
  const cases: [string, Partial<Options>, string[]][] = [
    ['plainly', {}, []],
    ['with epoch', { useEpoch: true }, ['--use-epoch']],
    ['without devices', { skipDevices: true }, ['--skip-devices']],
    ['without xattrs', { xattrs: 'none' }, ['--skip-xattrs']],
    ['with user xattrs', { xattrs: 'user' }, ['--user-xattrs']],
  ]
  for (const [what, options, args] of cases) {
    if (!KOFFI && options.xattrs !== 'none') {
      skip(test, `as the C tool: ${what}`, 'koffi is not installed')
      continue
    }
    test(`as the C tool: ${what}`, () => {
      const theirs = fresh()
      const theirStore = fresh()
      const digest = runPeer(MKCOMPOSEFS, ...args, '--print-digest', `--digest-store=${theirStore}`, source, theirs)
      assert.is(digest.status, 0, digest.stderr)
      const ours = fresh()
      const store = fresh()
      const { facts } = built({ source, store, image: ours, ...options })
      assert.equal(checkStore(store), objectsOf(theirStore))
      // Their dump as a tree tells where images differ.
      const dump = runPeer(COMPOSEFS_INFO, 'dump', theirs)
      sameFacts(facts, withoutMarks([...treeFacts(treeFromDump(dump.stdout))]))
      assert.is(digestOf(fs.readFileSync(ours)), digest.stdout.toString().trim())
    })
  }
}

test('a file that changes while threads are at work ends the build with its name', async () => {
  const moving = fresh()
  fs.mkdirSync(moving)
  for (let i = 0; i < 60; i++) fs.writeFileSync(join(moving, `file-${i}`), Buffer.alloc(1_500_000, i))
  const options = { source: moving, threads: 2, xattrs: 'none', again: 1000 }
  const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', text => (said += text))
  const closed = new Promise(resolve => child.once('close', resolve))
  // Written to again and again until one of the builds has met it.
  const writer = setInterval(() => fs.writeFileSync(join(moving, 'file-30'), Buffer.alloc(10, 'x'), { flag: 'r+' }), 1)
  try {
    await closed
  } finally {
    clearInterval(writer)
    child.kill()
  }
  assert.is(outcome(said).error, `read: ${join(moving, 'file-30')}: changed while being read`)
})

test('two builds at once fill one store', async () => {
  const store = fresh()
  const start = () => {
    const args = [program, JSON.stringify({ source, store, xattrs: 'none', threads: 2 })]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', text => (said += text))
    return new Promise<Outcome>(resolve => child.once('close', () => resolve(outcome(said))))
  }
  const both = await Promise.all([start(), start(), start()])
  for (const { error, facts } of both) {
    assert.is(error, undefined)
    assert.equal(facts, both[0].facts)
  }
  const wanted = regular(both[0].facts).filter(([, { size }]) => size > 64)
  assert.equal(checkStore(store), [...new Set(wanted.map(([, { payload }]) => payload))].sort())
})

if (!ROOT_USER || process.platform !== 'linux') skip(test, 'a full disk', 'needs root, to mount a small tmpfs')
else {
  test('a full disk ends the build, with whole objects and nothing else in the store', () => {
    const disk = fresh()
    fs.mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk])
    try {
      const store = join(disk, 'store')
      const { code, error } = run({ source, store, threads: 2 })
      assert.is(code, 'ENOSPC')
      assert.match(error ?? '', new RegExp(`^store object [0-9a-f/]+: ${source}/.*: no space left on device$`))
      checkStore(store)
    } finally {
      execFileSync('umount', [disk])
    }
  })
}

test.run()
