// Programs of C, compiled here, on mounts: a file torture that prints the same as on this machine's disk, and every entry of an image as
// the kernel's mount of it shows them to the same program. Where there is no clang, all of it is skipped.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, DirectoryStore, type Mount, mountSync, runWasi } from '../../src/node.js'
import { KernelMounts, kernelReason } from '../helpers/kernel.js'
import { skip } from '../helpers/paths.js'
import { Compiler } from './compiled.js'
import { awkwardTree, Worlds } from './worlds.js'

const guests = suite('WASI: programs of C')
const compiler = new Compiler()
const worlds = await Worlds.make()
const base = fs.mkdtempSync(join(tmpdir(), 'composefs-wasi-run-'))
process.on('exit', () => fs.rmSync(base, { recursive: true, force: true }))
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

function native(path: string, ...args: string[]): string[] {
  const { stdout, status } = spawnSync(path, args, { encoding: 'latin1', timeout: 60_000, maxBuffer: 1 << 28 })
  assert.is(status, 0)
  return stdout.split('\n')
}

const TORTURE = 'a file torture prints what it prints on the disk'
const KERNEL = "every entry of an image is what the kernel's mount shows to the same program"

if (compiler.reason === undefined) {
  const list = await compiler.module('list')
  const torture = await compiler.module('torture')
  const run = async (module: WebAssembly.Module, mount: Mount, ...args: string[]) => {
    const { exitCode, stdout, stderr, trap } = await runWasi(module, { mount, args })
    assert.equal([exitCode, trap, text(stderr)], [0, undefined, ''])
    return text(stdout).split('\n')
  }

  const judge = process.platform === 'linux' ? compiler.native('torture') : undefined
  if (judge === undefined) skip(guests, TORTURE, 'no Linux, or no C library')
  else {
    const dir = join(base, 'torture')
    fs.mkdirSync(dir)
    const want = native(judge, dir)
    const kept = worlds.directory()
    const MOUNTS: Readonly<Record<string, () => Mount | Promise<Mount>>> = {
      'a writable mount': () => worlds.writable(),
      'a writable stack': () => worlds.stack({ writable: true }),
      'changes that a directory keeps': () => worlds.kept(kept),
    }
    for (const [what, make] of Object.entries(MOUNTS)) {
      guests(`${TORTURE}: ${what}`, async () => {
        const m = await make()
        m.fs.mkdirSync('/here')
        assert.equal(await run(torture, m, '/here'), want)
        assert.equal(
          await run(list, m, '/here'),
          native(compiler.native('list') as string, dir).map(withoutTimes(m, dir)),
        )
        m.unmount()
      })
    }

    guests('what it left is there when the directory with the changes is mounted again', async () => {
      const m = worlds.kept(kept)
      assert.equal(m.fs.readdirSync('/here'), fs.readdirSync(dir).sort())
      m.unmount()
    })
  }

  guests('a walk by paths sees all of a tree once, with the numbers that fs has', async () => {
    for (const m of [worlds.readOnly(), worlds.writable(), worlds.cfsV1(), worlds.erofs(), await worlds.stack()]) {
      const lines = (await run(list, m, '/', 'numbers')).filter(line => line !== '')
      const paths = below(m)
      assert.is(lines.length, paths.length)
      for (const path of paths) {
        const { ino } = m.fs.lstatSync(`/${path}`)
        const name = ` /${Buffer.from(path).toString('latin1')} #${ino}`
        assert.ok(
          lines.some(line => line.endsWith(name) || line.includes(`${name} -> `)),
          name,
        )
      }
    }
  })

  const reason = kernelReason()
  if (reason === undefined) {
    guests(KERNEL, async () => {
      const store = new DirectoryStore(join(base, 'objects'))
      fs.mkdirSync(join(base, 'objects'))
      const { image } = await buildImage(awkwardTree(), { store })
      fs.writeFileSync(join(base, 'image'), image)
      const kernel = new KernelMounts()
      try {
        const { path } = kernel.composefs(join(base, 'image'), join(base, 'objects'))
        // That a FIFO or socket is one, WASI does not tell apart; and it has no times before 1970 that its C library could show.
        const plain = (line: string) => !line.includes(' /old')
        const theirs = native(compiler.native('list') as string, path, 'numbers')
        const ours = await run(
          list,
          mountSync(image, { store: new DirectoryStore(join(base, 'objects')) }),
          '/',
          'numbers',
        )
        assert.ok(theirs.length > 60)
        assert.equal(ours.filter(plain), theirs.filter(plain))
      } finally {
        kernel.dispose()
      }
    })
  } else skip(guests, KERNEL, reason)
} else {
  skip(guests, TORTURE, compiler.reason)
  skip(guests, KERNEL, compiler.reason)
}

/** Every path, links not followed. */
function below(m: Mount, dir = ''): string[] {
  return (m.fs.readdirSync(`/${dir}`) as string[]).flatMap(name => {
    const path = `${dir}${name}`
    return [path, ...(m.fs.lstatSync(`/${path}`).isDirectory() ? below(m, `${path}/`) : [])]
  })
}

/** Lines of the disk, with those times that are of when it was written as the mount has them. */
function withoutTimes(m: Mount, dir: string): (line: string) => string {
  return line => {
    const [type, links, size, time, path, ...rest] = line.split(' ')
    if (path === undefined || Number.parseInt(time, 10) < 1.5e9) return line
    assert.ok(fs.existsSync(dir + path) || rest.length > 0, path)
    const { mtimeNs } = m.fs.lstatSync(`/here${path}`, { bigint: true })
    const shown = `${mtimeNs / 1_000_000_000n}.${String(mtimeNs % 1_000_000_000n).padStart(9, '0')}`
    return [type, links, size, shown, path, ...rest].join(' ')
  }
}

guests.run()
