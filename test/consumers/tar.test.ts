// modern-tar packs a tree of a writable mount into an archive that is itself in the mount, as `npm pack` does, and unpacks
// archives into it. The judge is tar: it unpacks what was packed, and packs what is unpacked here, with names of every length,
// hard links, modes and times.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { createTarDecoder, createTarPacker, type ParsedTarEntry, type TarHeader } from 'modern-tar'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from '../helpers/paths.js'
import type { NodeFs } from './fixture-image.js'
import { diskPlace, sameLines, temporary, treeOf, writableImage } from './writable-place.js'

const EPOCH = 1_500_000_000

function writeTree(dir: string): void {
  const put = (path: string, data: string | Buffer, mode: number) => {
    fs.mkdirSync(dirname(join(dir, path)), { recursive: true })
    fs.writeFileSync(join(dir, path), data)
    fs.chmodSync(join(dir, path), mode)
  }
  put('package/package.json', '{ "name": "packed", "version": "1.0.0" }\n', 0o644)
  put('package/bin/cli.js', '#!/usr/bin/env node\n', 0o755)
  put('package/empty', '', 0o600)
  put('package/üml/ sp ace .txt', 'ü\n', 0o640)
  put(`package/${'long-directory/'.repeat(9)}file.txt`, 'deep\n', 0o444)
  put(`package/${'n'.repeat(200)}`, 'long\n', 0o644)
  put(`package/${'d'.repeat(120)}/${'e'.repeat(120)}/${'f'.repeat(120)}`, 'longer than a header\n', 0o644)
  put(
    'package/large.bin',
    Buffer.from(Array.from({ length: 3_000_007 }, (_, i) => (i * i * 7 + (i >> 9)) & 255)),
    0o644,
  )
  for (const size of [511, 512, 513, 10_240]) put(`package/sizes/${size}`, Buffer.alloc(size, 'x'), 0o644)
  fs.mkdirSync(join(dir, 'package/nothing-in-it'), { mode: 0o700 })
  fs.symlinkSync('bin/cli.js', join(dir, 'package/link'))
  fs.symlinkSync(`${'../'.repeat(50)}nowhere`, join(dir, 'package/long-link'))
  fs.symlinkSync('bin', join(dir, 'package/to-directory'))
  const later = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort().reverse()
  for (const [i, path] of later.entries()) fs.lutimesSync(join(dir, path), EPOCH + i, EPOCH + i)
}

/** What is changed before packing, so that not all of it comes from the image. */
function change(fs: NodeFs, dir: string): void {
  const settle = (path: string) => fs.lutimesSync(`${dir}/${path}`, EPOCH, EPOCH)
  fs.appendFileSync(`${dir}/package.json`, '\n')
  fs.mkdirSync(`${dir}/made`)
  fs.writeFileSync(`${dir}/made/here.js`, 'here\n')
  fs.renameSync(`${dir}/sizes`, `${dir}/renamed`)
  fs.rmSync(`${dir}/empty`)
  fs.symlinkSync('made', `${dir}/empty`)
  fs.chmodSync(`${dir}/large.bin`, 0o755)
  for (const path of ['package.json', 'made/here.js', 'made', 'empty', '']) settle(path)
}

/** Packs a directory into an archive beside it, all through one `fs`. */
async function pack(fs: NodeFs, dir: string, archive: string): Promise<void> {
  const { readable, controller } = createTarPacker()
  const written = pipeline(Readable.fromWeb(readable as never), createGzip(), fs.createWriteStream(archive))
  const add = async (path: string): Promise<void> => {
    const stats = fs.lstatSync(path)
    const name = path.slice(dirname(dir).length).replace(/^\//, '')
    const { mtime, uid, gid } = stats
    const header: TarHeader = { name, size: 0, mtime, mode: stats.mode & 0o7777, uid, gid }
    if (stats.isSymbolicLink()) {
      await controller.add({ ...header, type: 'symlink', linkname: fs.readlinkSync(path) }).close()
    } else if (stats.isDirectory()) {
      await controller.add({ ...header, name: `${name}/`, type: 'directory' }).close()
      for (const child of fs.readdirSync(path).sort()) await add(`${path}/${child}`)
    } else {
      const body = controller.add({ ...header, type: 'file', size: stats.size })
      await pipeline(fs.createReadStream(path), Writable.fromWeb(body as never))
    }
  }
  await add(dir)
  controller.finalize()
  await written
}

async function unpackOne(fs: NodeFs, dir: string, { header, body }: ParsedTarEntry): Promise<void> {
  const path = `${dir}/${header.name.replace(/\/$/, '')}`
  const { mode } = header
  if (header.type === 'file') {
    await pipeline(Readable.fromWeb(body as never), fs.createWriteStream(path, { mode, flags: 'wx' }))
    fs.chmodSync(path, mode ?? 0o644)
    return
  }
  await body.cancel()
  if (header.type === 'directory') fs.mkdirSync(path, { recursive: true, mode: 0o700 })
  else if (header.type === 'symlink') fs.symlinkSync(header.linkname ?? '', path)
  else if (header.type === 'link') fs.linkSync(`${dir}/${header.linkname}`, path)
  else assert.unreachable(`${header.name} is a ${header.type}`)
}

/** Unpacks an archive; modes and times of directories come when all is in them. */
async function unpack(fs: NodeFs, archive: string, dir: string): Promise<void> {
  const headers: TarHeader[] = []
  const { readable, writable } = createTarDecoder({ strict: true })
  const fed = pipeline(fs.createReadStream(archive), createGunzip(), Writable.fromWeb(writable as never))
  for await (const entry of readable as unknown as AsyncIterable<ParsedTarEntry>) {
    headers.push(entry.header)
    await unpackOne(fs, dir, entry)
  }
  await fed
  for (const { name, type, mode = 0o755, mtime } of headers.reverse()) {
    const path = `${dir}/${name.replace(/\/$/, '')}`
    if (type === 'directory') fs.chmodSync(path, mode)
    fs.lutimesSync(path, mtime ?? 0, mtime ?? 0)
  }
}

function tar(...args: string[]): string {
  return execFileSync('tar', args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' } })
}

const archives = suite('consumers: archives packed and unpacked in a writable mount, and tar')

async function tests(): Promise<void> {
  const source = temporary()
  writeTree(source)
  const { fs: mounted } = await writableImage(source)
  const place = { name: 'mount', fs: mounted, root: '' }

  archives('tar unpacks what was packed in the mount', async () => {
    change(mounted, '/package')
    await pack(mounted, '/package', '/packed.tgz')
    const out = temporary()
    fs.writeFileSync(join(out, 'packed.tgz'), mounted.readFileSync('/packed.tgz'))
    tar('-xpzf', join(out, 'packed.tgz'), '-C', out)
    sameLines(treeOf(diskPlace(out), '/package', { times: true }), treeOf(place, '/package', { times: true }), 'tree')
    // The same changes where the image came from.
    change(fs, join(source, 'package'))
    sameLines(
      treeOf(diskPlace(out), '/package', { times: true }),
      treeOf(diskPlace(source), '/package', { times: true }),
      'disk',
    )
  })
  for (const format of ['gnu', 'pax', 'ustar']) {
    archives(`what tar has packed is unpacked in the mount (${format})`, async () => {
      const from = temporary()
      writeTree(from)
      // No header of the old format holds these.
      const tooLong = ['d'.repeat(120), 'n'.repeat(200), 'long-link'].map(name => join(from, 'package', name))
      if (format === 'ustar') for (const path of tooLong) fs.rmSync(path, { recursive: true })
      fs.linkSync(join(from, 'package/large.bin'), join(from, 'package/zz-hard-link'))
      fs.utimesSync(join(from, 'package'), EPOCH, EPOCH)
      const archive = join(from, 'made.tgz')
      tar('-czf', archive, `--format=${format}`, '--numeric-owner', '-C', from, 'package')
      const out = temporary()
      tar('-xpzf', archive, '-C', out)
      mounted.mkdirSync(`/${format}`)
      mounted.writeFileSync(`/${format}.tgz`, fs.readFileSync(archive))
      await unpack(mounted, `/${format}.tgz`, `/${format}`)
      sameLines(treeOf(place, `/${format}`, { times: true }), treeOf(diskPlace(out), '', { times: true }), 'tree')
      const [one, other] = ['large.bin', 'zz-hard-link'].map(name => mounted.statSync(`/${format}/package/${name}`))
      assert.equal([one.ino === other.ino, one.nlink], [true, 2])
    })
  }
}

const { stdout } = spawnSync('tar', ['--version'], { encoding: 'utf8' })
if (!stdout?.includes('GNU tar')) skip(archives, 'tar', 'there is no GNU tar here')
else await tests()
archives.run()
