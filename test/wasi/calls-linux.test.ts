// Errors of the calls on paths, in their order, as Linux has them: every call on every shape of path, in a tree that is on this machine's
// disk, too, with what the tree looks like then; and, as root, on the kernel's read-only mount of the same image.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, type Mount, mountSync, TreeBuilder } from '../../src/node.js'
import { FSTFLAGS_MTIM, OFLAGS_CREAT, OFLAGS_DIRECTORY, OFLAGS_EXCL, OFLAGS_TRUNC, RIGHTS } from '../../src/wasi/abi.js'
import { KernelMounts, kernelReason } from '../helpers/kernel.js'
import { skip } from '../helpers/paths.js'
import { errnoOf, Probe } from './probe.js'

const linux = suite('WASI: errors as on Linux')
const { constants } = fs

/** Directories between the trees and what is not theirs. */
const base = fs.mkdtempSync(join(tmpdir(), 'composefs-wasi-linux-'))
const home = process.cwd()
process.on('exit', () => {
  process.chdir(home)
  fs.rmSync(base, { recursive: true, force: true })
})

const PATHS = [
  ...['file', 'file/', 'file/.', 'file/x', 'file/..', 'full/in', 'full/../file', './/file'],
  ...['dir', 'dir/', 'dir/.', 'dir/..', 'dir/new', 'dir/new/', 'full', 'full/', 'full/.', 'full/sub', 'full/sub/new'],
  ...['missing', 'missing/', 'missing/.', 'missing/..', 'missing/x'],
  ...[
    'to-file',
    'to-file/',
    'to-dir',
    'to-dir/',
    'to-dir/.',
    'to-dir/in',
    'to-dir/new',
    'to-dir/..',
    'slashed',
    'slashed/',
  ],
  ...['dangling', 'dangling/', 'dangling/x', 'to-new', 'to-new/', 'self', 'self/', 'self/x', '.', './', ''],
  ...['n'.repeat(255), 'n'.repeat(256), `missing/${'n'.repeat(256)}`, `${'./'.repeat(2047)}f`, './'.repeat(2048)],
]
/** For calls that take two, where all would be too many. */
const FEWER = PATHS.filter(
  path => !/^(?:\.\/\/|\.\/$|to-dir\/\.|missing\/\.|n|\.\/\.|self\/|full\/\.$|missing\/n)/.test(path),
)

function fill(fs: Pick<Mount['fs'], 'mkdirSync' | 'writeFileSync' | 'symlinkSync'>, at: string): void {
  for (const path of ['dir', 'full', 'full/sub']) fs.mkdirSync(`${at}/${path}`)
  for (const path of ['file', 'full/in', 'other']) fs.writeFileSync(`${at}/${path}`, path)
  for (const [path, target] of [
    ['to-file', 'file'],
    ['to-dir', 'full'],
    ['slashed', 'file/'],
    ['dangling', 'nowhere/at/all'],
    ['to-new', 'dir/created'],
    ['self', 'self'],
  ]) {
    fs.symlinkSync(target, `${at}/${path}`)
  }
}

/** What is in a directory, with types, targets and contents. */
function listing(
  dir: string,
  of: Pick<Mount['fs'], 'readdirSync' | 'lstatSync' | 'readlinkSync' | 'readFileSync'>,
): string[] {
  return (of.readdirSync(dir) as string[]).sort().flatMap(name => {
    const path = `${dir === '/' ? '' : dir}/${name}`
    const stats = of.lstatSync(path)
    if (stats.isDirectory()) return [path, ...listing(path, of)]
    return [`${path} ${stats.isSymbolicLink() ? of.readlinkSync(path) : of.readFileSync(path, 'utf8')} ${stats.nlink}`]
  })
}

interface Call {
  readonly name: string
  readonly ours: (p: Probe) => unknown
  /** In the working directory. */
  readonly theirs: () => unknown
}

function opened(path: string, flags: number): void {
  fs.closeSync(fs.openSync(path, flags, 0o666))
}

function opens(path: string): Call[] {
  const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_NOFOLLOW } = constants
  const ways: [string, number, number][] = [
    ['', 0, 0],
    ['creat', OFLAGS_CREAT, O_CREAT],
    ['creat excl', OFLAGS_CREAT | OFLAGS_EXCL, O_CREAT | O_EXCL],
    ['directory', OFLAGS_DIRECTORY, O_DIRECTORY],
    ['trunc', OFLAGS_TRUNC, O_TRUNC],
    ['creat trunc', OFLAGS_CREAT | OFLAGS_TRUNC, O_CREAT | O_TRUNC],
  ]
  return ways.flatMap(([way, oflags, flags]) =>
    [true, false].flatMap(follow =>
      [RIGHTS.FD_READ, RIGHTS.FD_WRITE | RIGHTS.FD_SEEK].map(right => ({
        name: `open ${right === RIGHTS.FD_READ ? 'to read' : 'to write'} ${way}${follow ? '' : ' nofollow'} ${path}`,
        ours: (p: Probe) => p.close(p.open(path, { oflags, follow, base: right })),
        theirs: () =>
          opened(path, flags | (follow ? 0 : O_NOFOLLOW) | (right === RIGHTS.FD_READ ? O_RDONLY : O_WRONLY)),
      })),
    ),
  )
}

const ONE: Call[] = PATHS.flatMap(path => [
  { name: `mkdir ${path}`, ours: p => p.mkdir(path), theirs: () => fs.mkdirSync(path) },
  { name: `rmdir ${path}`, ours: p => p.rmdir(path), theirs: () => fs.rmdirSync(path) },
  { name: `unlink ${path}`, ours: p => p.unlink(path), theirs: () => fs.unlinkSync(path) },
  { name: `symlink ${path}`, ours: p => p.symlink('to', path), theirs: () => fs.symlinkSync('to', path) },
  { name: `lstat ${path}`, ours: p => p.stat(path), theirs: () => fs.lstatSync(path) },
  { name: `stat ${path}`, ours: p => p.stat(path, { follow: true }), theirs: () => fs.statSync(path) },
  { name: `readlink ${path}`, ours: p => p.readlink(path), theirs: () => fs.readlinkSync(path) },
  {
    name: `utimes ${path}`,
    ours: p => p.setTimes(path, 0n, 5_000_000_000n, FSTFLAGS_MTIM, { follow: true }),
    theirs: () => fs.utimesSync(path, 5, 5),
  },
  {
    name: `lutimes ${path}`,
    ours: p => p.setTimes(path, 0n, 5_000_000_000n, FSTFLAGS_MTIM),
    theirs: () => fs.lutimesSync(path, 5, 5),
  },
  ...opens(path),
])

const TWO: Call[] = FEWER.flatMap(from =>
  FEWER.flatMap(to => [
    { name: `rename ${from} ${to}`, ours: p => p.rename(from, to), theirs: () => fs.renameSync(from, to) },
    { name: `link ${from} ${to}`, ours: p => p.link(from, to), theirs: () => fs.linkSync(from, to) },
  ]),
)

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'SUCCESS'
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** All that differ, so that one run tells everything. */
function compare(calls: readonly Call[], ours: (call: Call) => unknown, theirs: (call: Call) => unknown): void {
  const wrong = calls.flatMap(call => {
    const [one, other] = [JSON.stringify(ours(call)), JSON.stringify(theirs(call))]
    return one === other ? [] : [`${call.name.replace(/n{200,}/, 'nn')}: ${one}, on Linux ${other}`]
  })
  assert.equal(wrong, [])
}

const made = mountSync((await buildImage(new TreeBuilder())).image, { writable: true })
fill(made.fs, '')
const { image } = await made.commit()

/** The tree here: the same one for every call that changes nothing. */
class Ours {
  #mount = mountSync(image, { writable: true })
  #before = listing('/', this.#mount.fs)

  outcome({ ours }: Call): unknown {
    const probe = new Probe({ preopens: { here: this.#mount } })
    const code = errnoOf(() => ours(probe))
    probe.files.close()
    const after = listing('/', this.#mount.fs)
    if (String(after) !== String(this.#before)) {
      this.#mount.unmount()
      this.#mount = mountSync(image, { writable: true })
      this.#before = listing('/', this.#mount.fs)
    }
    return [code, after]
  }
}

/** The tree on the disk. */
class Theirs {
  readonly #dir = join(base, 'tree')
  #before = this.#make()

  #make(): string[] {
    fs.rmSync(this.#dir, { recursive: true, force: true })
    fs.mkdirSync(this.#dir)
    fill(fs, this.#dir)
    process.chdir(this.#dir)
    return listing('.', fs)
  }

  outcome({ theirs }: Call): unknown {
    const code = codeOf(theirs)
    // What fails there changes nothing.
    const after = code === 'SUCCESS' ? listing('.', fs) : this.#before
    if (String(after) !== String(this.#before)) this.#before = this.#make()
    return [code, after.map(line => line.slice(1))]
  }
}

const onDisk = process.platform === 'linux'
if (onDisk) {
  for (const [what, calls] of Object.entries({ 'that take a path': ONE, 'that take two paths': TWO })) {
    linux(`calls ${what} answer and do what they do on the disk`, () => {
      const ours = new Ours()
      const theirs = new Theirs()
      compare(
        calls,
        call => ours.outcome(call),
        call => theirs.outcome(call),
      )
    })
  }
} else {
  skip(linux, 'calls on paths answer and do what they do on the disk', `no Linux (${process.platform})`)
}

const KERNEL = "on an image that can't be changed they answer what they do on the kernel's mount"
const reason = kernelReason()
if (reason === undefined) {
  linux(KERNEL, () => {
    const file = join(base, 'image')
    fs.writeFileSync(file, image)
    fs.mkdirSync(join(base, 'objects'))
    const kernel = new KernelMounts()
    const { path } = kernel.composefs(file, join(base, 'objects'))
    const p = new Probe({ preopens: { here: mountSync(image) } })
    process.chdir(path)
    try {
      // Whether there can be such a name the kernel asks the tree, which these two do not come to.
      const names = ONE.filter(({ name }) => !/^(?:rmdir|unlink) n{256}$/.test(name))
      compare(
        [...names, ...TWO],
        call => errnoOf(() => call.ours(p)),
        call => codeOf(call.theirs),
      )
    } finally {
      process.chdir(home)
      kernel.dispose()
    }
  })
} else {
  skip(linux, KERNEL, reason)
}

linux.run()
