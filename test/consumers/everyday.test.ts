// What programs do with an `fs` that can be written: logs that rotate, files replaced atomically, locks, a small data base,
// temporary directories, a package manager's links, copies, streams. Each does the same to a tree that lies in an image and,
// by node:fs, to the same tree on disk; answers and trees are compared. Not here: single calls (test/vfs).
import { createHash } from 'node:crypto'
import diskFs from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { glob } from 'tinyglobby'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeFs } from './fixture-image.js'
import { diskPlace, sameLines, temporary, treeOf, writableImage, writableLateImage } from './writable-place.js'

const MEGABYTE = 1 << 20

/** Bytes that no one would take for others. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function writeHome(home: string): void {
  const put = (path: string, data: string | Buffer, mode = 0o644) => {
    diskFs.mkdirSync(join(home, path, '..'), { recursive: true })
    diskFs.writeFileSync(join(home, path), data, { mode })
    diskFs.utimesSync(join(home, path), 1_600_000_000, 1_600_000_000)
  }
  put('log/app.log', Array.from({ length: 300 }, (_, i) => `line ${i}\n`).join(''))
  put('etc/config.json', JSON.stringify({ version: 1, list: Array.from({ length: 40 }, (_, i) => i) }), 0o600)
  put('data/table.bin', noise(MEGABYTE + 123, 1))
  for (let i = 0; i < 30; i++) put(`cache/${i % 3}/entry${i}`, noise(50 * i, i))
  for (const name of ['a', 'b']) {
    put(`store/${name}@1/package.json`, JSON.stringify({ name, bin: 'cli.js' }))
    put(`store/${name}@1/cli.js`, `#!/usr/bin/env node\nconsole.log(${JSON.stringify(name.repeat(99))})\n`)
  }
  diskFs.symlinkSync('../etc/config.json', join(home, 'data/config'))
  diskFs.symlinkSync('nowhere', join(home, 'data/dangling'))
}

async function codeOf(answer: Promise<unknown>): Promise<unknown> {
  try {
    await answer
    return 'done'
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    return `${code} ${syscall}`
  }
}

type Habit = (fs: NodeFs, home: string) => Promise<unknown>

/** A log that is appended to, and rotated by size: the old ones packed, the oldest gone. */
const rotatingLog: Habit = async (fs, home) => {
  const path = `${home}/log/app.log`
  const sizes: number[] = []
  for (let turn = 0; turn < 5; turn++) {
    const log = fs.createWriteStream(path, { flags: 'a' })
    for (let i = 0; i < 500; i++) {
      const wantsMore = log.write(`${turn} ${i} ${'x'.repeat(i % 90)}\n`)
      if (!wantsMore) await new Promise<void>(resolve => log.once('drain', () => resolve()))
    }
    await new Promise<void>(resolve => log.end(resolve))
    sizes.push((await fs.promises.stat(path)).size, log.bytesWritten)
    for (let old = 3; old > 0; old--) {
      if (old === 3) await fs.promises.rm(`${path}.${old}.gz`, { force: true })
      else if (fs.existsSync(`${path}.${old}.gz`)) fs.renameSync(`${path}.${old}.gz`, `${path}.${old + 1}.gz`)
    }
    fs.renameSync(path, `${path}.1`)
    await pipeline(fs.createReadStream(`${path}.1`), createGzip(), fs.createWriteStream(`${path}.1.gz`))
    fs.unlinkSync(`${path}.1`)
  }
  const texts: string[] = []
  for (const name of fs.readdirSync(`${home}/log`).sort()) {
    const unpacked: Buffer[] = []
    const take = async (source: AsyncIterable<Buffer>) => {
      for await (const piece of source) unpacked.push(piece)
    }
    await pipeline(fs.createReadStream(`${home}/log/${name}`), createGunzip(), take)
    texts.push(`${name} ${sha(Buffer.concat(unpacked))}`)
  }
  return { sizes, texts }
}

/** A file replaced so that none ever sees half of it: written beside, synced, renamed, and the directory synced. */
const atomicWrite: Habit = async (fs, home) => {
  const path = `${home}/etc/config.json`
  const reader = await fs.promises.open(path, 'r')
  const { mode, uid, gid } = fs.statSync(path)
  const seen: unknown[] = []
  for (let version = 2; version < 5; version++) {
    const beside = `${path}.${version}.tmp`
    const file = await fs.promises.open(beside, 'wx', mode)
    await file.chown(uid, gid)
    await file.writeFile(JSON.stringify({ version }))
    await file.sync()
    await file.close()
    await fs.promises.rename(beside, path)
    const dir = await fs.promises.open(`${home}/etc`, 'r')
    seen.push(await codeOf(dir.sync()), await codeOf(dir.datasync()))
    await dir.close()
    seen.push(fs.readFileSync(path, 'utf8'), fs.readFileSync(`${home}/data/config`, 'utf8'))
  }
  // Not its link count: the kernel's overlay goes on saying 1 of a lower file that has no name any more, and so do we.
  seen.push((await reader.readFile('utf8')).length)
  await reader.close()
  return [...seen, fs.readdirSync(`${home}/etc`)]
}

/** Two ways to lock: a file that only one can make, and a directory; and those who come second. */
const locks: Habit = async (fs, home) => {
  const lock = `${home}/data/lock`
  let held = 0
  let most = 0
  let refused = 0
  const locked = async (turn: number) => {
    for (;;) {
      try {
        const file = await fs.promises.open(lock, fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_WRONLY)
        await file.write(`${turn}\n`)
        await file.close()
        break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        refused++
        await new Promise(resolve => setTimeout(resolve, 1))
      }
    }
    most = Math.max(most, ++held)
    const count = Number(await fs.promises.readFile(`${home}/data/count`, 'utf8').catch(() => '0'))
    await fs.promises.writeFile(`${home}/data/count`, String(count + 1))
    held--
    await fs.promises.unlink(lock)
  }
  await Promise.all(Array.from({ length: 12 }, (_, turn) => locked(turn)))
  const dir = `${home}/data/table.bin.lock`
  fs.mkdirSync(dir)
  fs.utimesSync(dir, 5, 5)
  const stale = fs.statSync(dir).mtimeMs
  const second = [await codeOf(fs.promises.mkdir(dir)), await codeOf(fs.promises.open(dir, 'wx'))]
  fs.rmdirSync(dir)
  return { most, waited: refused > 0, stale, second, count: fs.readFileSync(`${home}/data/count`, 'utf8') }
}

/** Records at fixed places in a file of the image, a journal, holes, and a compaction at the end. */
const dataBase: Habit = async (fs, home) => {
  const path = `${home}/data/table.bin`
  const table = await fs.promises.open(path, 'r+')
  const journal = await fs.promises.open(`${home}/data/journal`, 'ax+')
  const record = Buffer.alloc(300)
  for (let i = 0; i < 40; i++) {
    record.fill(i)
    const at = (i * 52_361) % MEGABYTE
    await journal.appendFile(`${i} ${at}\n`)
    await table.writev([record.subarray(0, 100), record.subarray(100)], at)
    if (i % 10 === 0) await table.datasync()
  }
  await table.write(record, 0, 10, 3 * MEGABYTE)
  await table.truncate(2 * MEGABYTE + 5)
  const pieces = [Buffer.alloc(4096), Buffer.alloc(70_000)]
  const { bytesRead } = await table.readv(pieces, 2 * MEGABYTE - 50_000)
  const lines: string[] = []
  await journal.close()
  const reading = await fs.promises.open(`${home}/data/journal`)
  for await (const line of reading.readLines()) lines.push(line)
  const hash = createHash('sha256')
  for await (const piece of table.createReadStream({ start: 1000, end: MEGABYTE * 2, autoClose: false }))
    hash.update(piece)
  await table.close()
  return { bytesRead, read: sha(Buffer.concat(pieces)), lines, hash: hash.digest('hex'), size: fs.statSync(path).size }
}

/** A working directory that is thrown away, a cache emptied while it is listed, and one of the same name made anew. */
const temporaries: Habit = async (fs, home) => {
  const made = await fs.promises.mkdtemp(`${home}/work-`)
  await fs.promises.cp(`${home}/cache`, `${made}/cache`, { recursive: true, preserveTimestamps: true })
  const copied = treeOf({ name: '', fs, root: made }, '/cache', { times: true }).filter(line => !/ 40\d+ - /.test(line))
  await fs.promises.rm(made, { recursive: true })
  const removed: string[] = []
  for await (const entry of await fs.promises.opendir(`${home}/cache/1`)) {
    fs.unlinkSync(`${home}/cache/1/${entry.name}`)
    removed.push(entry.name)
  }
  const refused = await codeOf(fs.promises.rmdir(`${home}/cache`))
  fs.rmSync(`${home}/cache`, { recursive: true, force: true })
  fs.mkdirSync(`${home}/cache/2`, { recursive: true })
  const again = fs.readdirSync(`${home}/cache`, { recursive: true })
  return { suffix: made.length - home.length, copied, removed: removed.sort(), refused, again }
}

/** Packages as pnpm lays them: hard links from a store, links to directories, commands. */
const packages: Habit = async (fs, home) => {
  const modules = `${home}/project/node_modules`
  fs.mkdirSync(`${modules}/.bin`, { recursive: true })
  for (const name of ['a', 'b']) {
    const to = `${modules}/.store/${name}@1/node_modules/${name}`
    await fs.promises.mkdir(to, { recursive: true })
    for (const file of await fs.promises.readdir(`${home}/store/${name}@1`))
      await fs.promises.link(`${home}/store/${name}@1/${file}`, `${to}/${file}`)
    await fs.promises.symlink(`.store/${name}@1/node_modules/${name}`, `${modules}/${name}`, 'dir')
    await fs.promises.symlink(`../${name}/cli.js`, `${modules}/.bin/${name}`)
    await fs.promises.chmod(`${modules}/.bin/${name}`, 0o755)
  }
  const [one, other] = [`${home}/store/a@1/cli.js`, `${modules}/.bin/a`]
  const same = fs.statSync(one, { bigint: true }).ino === fs.statSync(other, { bigint: true }).ino
  await fs.promises.appendFile(other, '// changed\n')
  const seen = [await fs.promises.readFile(one, 'utf8'), fs.statSync(one).nlink, fs.statSync(one).mode]
  await fs.promises.cp(`${home}/project`, `${home}/copy`, { recursive: true, verbatimSymlinks: true })
  fs.renameSync(`${home}/project`, `${home}/moved`)
  return { same, seen, real: fs.realpathSync(`${home}/moved/node_modules/.bin/b`).slice(home.length) }
}

/** A large file by streams, parts of it replaced, and read by ranges as an HTTP server would. */
const streams: Habit = async (fs, home) => {
  const path = `${home}/data/large`
  const bytes = noise(5 * MEGABYTE + 17, 7)
  const pieces = function* () {
    for (let at = 0; at < bytes.length; at += 100_003) yield bytes.subarray(at, at + 100_003)
  }
  await pipeline(pieces, fs.createWriteStream(path))
  await pipeline([noise(70_000, 8)], fs.createWriteStream(path, { flags: 'r+', start: MEGABYTE - 3 }))
  const ranges: string[] = []
  for (const [start, end] of [
    [0, 0],
    [MEGABYTE - 5, MEGABYTE + 90_000],
    [5 * MEGABYTE, undefined],
  ] as const) {
    const hash = createHash('sha256')
    await pipeline(fs.createReadStream(path, { start, end, highWaterMark: 7777 }), hash)
    ranges.push(hash.digest('hex'))
  }
  await pipeline(fs.createReadStream(`${home}/data/table.bin`), fs.createWriteStream(`${home}/data/copied.bin`))
  await fs.promises.copyFile(path, `${home}/data/large.copy`, fs.constants.COPYFILE_EXCL)
  return { ranges, again: await codeOf(fs.promises.copyFile(path, path, fs.constants.COPYFILE_EXCL)) }
}

/** The changed tree through a globber. */
const globs: Habit = async (fs, home) => {
  const found: string[][] = []
  for (const patterns of [['**'], ['**/*.{js,json}', '!moved/**'], ['*/node_modules/*/package.json'], ['log/*.gz']])
    found.push((await glob({ patterns, fs, cwd: home, dot: true, onlyFiles: false })).sort())
  return found
}

const HABITS: Readonly<Record<string, Habit>> = {
  'a log that rotates': rotatingLog,
  'files replaced atomically': atomicWrite,
  locks,
  'a small data base': dataBase,
  'temporary directories': temporaries,
  'a package manager’s links': packages,
  'streams and ranges': streams,
  'a globber on the changed tree': globs,
}

const source = temporary()
diskFs.mkdirSync(join(source, 'home'))
writeHome(join(source, 'home'))

const everyday = suite('consumers: everyday habits in a writable mount and on disk')
// A store that answers late serves them all as well: where bytes may be far away they wait for promises.
for (const mount of [await writableImage(source), await writableLateImage(source)]) {
  const disk = diskPlace(temporary())
  diskFs.cpSync(source, disk.root, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  for (const [name, habit] of Object.entries(HABITS)) {
    everyday(`${mount.name}: ${name}`, async () => {
      const theirs = await habit(disk.fs, `${disk.root}/home`)
      assert.equal(await habit(mount.fs, '/home'), theirs)
      assert.ok(JSON.stringify(theirs).length > 20, JSON.stringify(theirs))
      mount.glance(() => sameLines(treeOf(mount, '/home'), treeOf(disk, '/home'), 'home'))
    })
  }
}
everyday.run()
