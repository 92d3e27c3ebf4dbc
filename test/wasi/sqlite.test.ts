// SQLite, which asks by the names and structs of wasi_unstable: what it writes on a mount it reads again, from an image too, and so does
// the host's own SQLite. Not compared with Node's WASI, under which this program finds its own file to be no database.
import { spawnSync } from 'node:child_process'
import host from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, mount, runWasi, TreeBuilder, type WasiTree } from '../../src/node.js'
import { skip } from '../helpers/paths.js'
import { guestModule } from './npm-guests.js'

const sqlite = suite('WASI: SQLite')
const program = guestModule('sqlite')

const ROWS = 2000
const MAKES = `
  create table entries (name text primary key, size integer, content blob);
  with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
    insert into entries select 'file-' || i, i * i, zeroblob(i % 97) from n;
  create index by_size on entries (size);
  delete from entries where size % 7 = 0;
  vacuum;
`
const ASKS = `
  select count(*), sum(size), sum(length(content)), min(name), max(name) from entries;
  select name, size from entries where size between 90000 and 100000 order by size;
`
/** This build of it knows no such question. */
const SOUND = 'pragma integrity_check'

/** What it says, and how it ends. It needs a variable of the environment to start at all. */
async function run(module: WebAssembly.Module, tree: WasiTree, ...args: string[]) {
  const { exitCode, stdout, stderr, trap } = await runWasi(module, {
    mount: tree,
    name: 'sqlite',
    args,
    env: { HOME: '/' },
  })
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
  return { exitCode, trap, stdout: text(stdout), stderr: text(stderr) }
}

/** The same question to the SQLite of the host's Python; undefined where there is none. */
function onHost(path: string, ...statements: string[]): string | undefined {
  const code = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1], isolation_level=None) as db:
    for text in sys.argv[2:]:
        for one in filter(str.strip, text.split(';')):
            for row in db.execute(one):
                print('|'.join(map(str, row)))
`
  const { status, stdout } = spawnSync('python3', ['-c', code, path, ...statements], { encoding: 'utf8' })
  return status === 0 ? stdout : undefined
}

const lines = (text: string) => text.trimEnd().split('\n')
const ok = (stdout: string) => ({ exitCode: 0, trap: undefined, stdout, stderr: '' })

async function writtenAndReadAgain(module: WebAssembly.Module, dir: string): Promise<void> {
  const store = new MemoryStore()
  const { image } = await buildImage(new TreeBuilder(), { store })
  const mounted = await mount(image, { store, writable: true })
  assert.equal(await run(module, mounted, '/new.db', MAKES), ok(''))
  assert.equal(mounted.fs.readdirSync('/'), ['new.db'])
  const read = await run(module, mounted, '/new.db', ASKS)
  assert.equal(read, ok(read.stdout))
  assert.ok(lines(read.stdout).length > 3)

  const packed = await buildImage({ fs: mounted.fs, path: '/' }, { store })
  const readOnly = await mount(packed.image, { store })
  assert.equal(await run(module, readOnly, '-readonly', '/new.db', ASKS), read)
  const refused = await run(module, readOnly, '-readonly', '/new.db', 'delete from entries')
  assert.is.not(refused.exitCode, 0)
  assert.match(refused.stderr, /readonly database/)

  const path = join(dir, 'new.db')
  host.writeFileSync(path, mounted.fs.readFileSync('/new.db') as Uint8Array)
  const theirs = onHost(path, ASKS, SOUND)
  if (theirs === undefined) console.log('skip: no SQLite of the host has read what was written: no python3')
  else assert.equal(lines(theirs), [...lines(read.stdout), 'ok'])
}

async function readsTheHosts(module: WebAssembly.Module, dir: string): Promise<void> {
  const path = join(dir, 'hosts.db')
  assert.is.not(onHost(path, MAKES), undefined)
  const builder = new TreeBuilder()
  builder.addFile('/hosts.db', host.readFileSync(path))
  const store = new MemoryStore()
  const { image } = await buildImage(builder, { store })
  const mounted = await mount(image, { store })
  const { exitCode, stdout, stderr } = await run(module, mounted, '-readonly', '/hosts.db', ASKS)
  assert.equal([exitCode, stderr], [0, ''])
  assert.equal(lines(stdout), lines(onHost(path, ASKS) ?? ''))
}

/** In a folder of the host, which goes. */
async function inFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = host.mkdtempSync(join(tmpdir(), 'composefs-wasi-sqlite-'))
  try {
    await test(dir)
  } finally {
    host.rmSync(dir, { recursive: true, force: true })
  }
}

const written = 'a database is written on a mount, read in another run, and from an image'
const hosts = "a database of the host's SQLite, in an image"
if (program === undefined) {
  for (const name of [written, hosts]) skip(sqlite, name, 'its program could not be fetched')
} else {
  sqlite(written, () => inFolder(dir => writtenAndReadAgain(program, dir)))
  if (onHost(':memory:', 'select 1') === undefined) skip(sqlite, hosts, 'no python3 with sqlite3')
  else sqlite(hosts, () => inFolder(dir => readsTheHosts(program, dir)))
}

sqlite.run()
