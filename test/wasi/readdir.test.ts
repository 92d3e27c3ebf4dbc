// fd_readdir by hand: buffers of every size, cookies, a directory that changes meanwhile, names that are no UTF-8, and numbers that are
// those of filestat, over every kind of layer.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Mount } from '../../src/node.js'
import { DIRECTORY_RIGHTS, DIRENT, FILETYPE_DIRECTORY, RIGHTS } from '../../src/wasi/abi.js'
import { entriesOf, errnoOf, Probe } from './probe.js'
import { Worlds } from './worlds.js'

const readdir = suite('WASI: fd_readdir')
const worlds = await Worlds.make()
const utf8 = (bytes: string) => Buffer.from(bytes, 'latin1').toString()

const kept = worlds.directory()
{
  const first = worlds.kept(kept)
  first.fs.writeFileSync('/from-before', 'x')
  first.fs.renameSync('/dir', '/moved')
  first.unmount()
}
const changed = (m: Mount) => {
  m.fs.writeFileSync('/made', 'x')
  m.fs.chmodSync('/small', 0o600)
  m.fs.renameSync('/big', '/bigger')
  m.fs.mkdirSync('/empty/in')
  m.fs.unlinkSync('/old')
  return m
}
const MOUNTS: Readonly<Record<string, () => Mount | Promise<Mount>>> = {
  'an image': () => worlds.readOnly(),
  'a plain EROFS image': () => worlds.erofs(),
  'cfs v1': () => worlds.cfsV1(),
  'a stack': () => worlds.stack(),
  'a writable mount': () => worlds.writable(),
  'a writable mount that was changed': () => changed(worlds.writable()),
  'a writable stack that was changed': async () => changed(await worlds.stack({ writable: true })),
  'changes that a directory keeps': () => worlds.kept(kept),
}

for (const [what, make] of Object.entries(MOUNTS)) {
  const m = await make()

  readdir(`${what}: names, numbers and types are those of filestat, in every directory`, () => {
    const p = new Probe({ preopens: { '/': m } })
    const seen = new Map<string, string>()
    const visit = (path: string) => {
      const fd = p.openDirectory(path)
      const entries = p.readdir(fd)
      p.close(fd)
      assert.equal(
        entries.slice(0, 2).map(({ name }) => name),
        ['.', '..'],
      )
      const names = entries.slice(2).map(({ name }) => utf8(name))
      assert.equal(names, m.fs.readdirSync(`/${path}`), path)
      for (const { name, ino, type } of entries) {
        const stat = p.stat(path === '.' && name === '..' ? '.' : `${path}/${utf8(name)}`)
        assert.is(ino, stat.ino, `${path}/${name}`)
        assert.is(BigInt(type), stat.filetype, `${path}/${name}`)
        if (name === '.' || name === '..') continue
        // Names of one file have one number, and nothing else has it.
        const before = seen.get(String(ino))
        const tells = `${stat.nlink > 1n || type === FILETYPE_DIRECTORY ? '' : path + name} ${stat.filetype} ${stat.size}`
        if (before !== undefined) assert.is(before, tells, `${path}/${name}`)
        seen.set(String(ino), tells)
        if (type === FILETYPE_DIRECTORY) visit(`${path}/${utf8(name)}`)
      }
    }
    visit('.')
    assert.ok(seen.size > 60)
  })

  readdir(`${what}: any buffer gives the same entries`, () => {
    const p = new Probe({ preopens: { '/': m } })
    const whole = p.readdir(3, 65_536)
    const longest = DIRENT.size + 255
    for (const length of [longest, longest + 1, 300, 511, 512, 1000, 4096]) {
      assert.equal(p.readdir(3, length), whole, `${length}`)
    }
  })
}

readdir('numbers that need more than 32 bits are whole', () => {
  const p = new Probe({ preopens: { '/': changed(worlds.writable()) } })
  const made = p.readdir(3).find(({ name }) => name === 'made')
  assert.ok(made !== undefined && made.ino > 2n ** 32n)
  assert.is(made.ino, p.stat('made').ino)
})

readdir('an entry that does not fit is cut where the buffer ends, and nothing is written behind', () => {
  const p = new Probe({ preopens: { '/': worlds.readOnly() } })
  const whole = p.readdirOnce(3, 65_536, 0n)
  for (let length = 0; length < 700; length++) {
    const at = p.room(length + 8)
    const out = p.room(4)
    new Uint8Array(p.memory.buffer).fill(0x5a, at, at + length + 8)
    p.call('fd_readdir', 3, at, length, 0n, out)
    assert.is(p.view.getUint32(out, true), length)
    assert.equal(p.bytes(at, length), whole.slice(0, length))
    assert.equal([...p.bytes(at + length, 8)], Array(8).fill(0x5a))
  }
})

readdir('every cookie goes on behind its entry, in any order', () => {
  const p = new Probe({ preopens: { '/': worlds.readOnly() } })
  const whole = p.readdir(3)
  const after = (cookie: bigint) => entriesOf(p.readdirOnce(3, 65_536, cookie)).map(({ name }) => name)
  for (const [i, { next }] of [...whole.entries()].reverse()) {
    assert.equal(
      after(next),
      whole.slice(i + 1).map(({ name }) => name),
    )
  }
  for (const cookie of [BigInt(whole.length + 1), 2n ** 40n, 2n ** 53n, 2n ** 63n - 1n, -1n, -(2n ** 63n)]) {
    assert.equal(after(cookie), [], `${cookie}`)
  }
  // Also where it is the first call on a descriptor, as after a directory was closed and opened again.
  const again = p.openDirectory('.')
  const from = whole[10].next
  assert.equal(
    entriesOf(p.readdirOnce(again, 65_536, from)).map(({ name }) => name),
    whole.slice(11).map(({ name }) => name),
  )
})

readdir('a listing stays what it was while the directory changes, and begins anew from the start', () => {
  const m = worlds.writable()
  const p = new Probe({ preopens: { '/': m } })
  const before = p.readdir(3)
  const first = entriesOf(p.readdirOnce(3, 400, 0n))
  const { next } = first[first.length - 1]
  m.fs.writeFileSync('/0-new', 'x')
  m.fs.unlinkSync('/old')
  m.fs.renameSync('/small', '/zz')
  const rest = entriesOf(p.readdirOnce(3, 65_536, next))
  assert.equal(
    [...first, ...rest].map(({ name }) => name),
    before.map(({ name }) => name),
  )
  const names = p.readdir(3).map(({ name }) => name)
  assert.ok(names.includes('0-new') && names.includes('zz') && !names.includes('old') && !names.includes('small'))
  // Each descriptor has its own.
  const one = p.openDirectory('.')
  const two = p.openDirectory('.')
  p.readdirOnce(one, 400, 0n)
  m.fs.unlinkSync('/0-new')
  assert.ok(p.readdir(one).every(({ name }) => name !== '0-new'))
  assert.equal(p.readdir(two), p.readdir(one))
})

readdir('a directory is removed while it is listed as rm -r does', () => {
  const m = worlds.writable()
  const p = new Probe({ preopens: { '/': m } })
  p.mkdir('many')
  const names = Array.from({ length: 500 }, (_, i) => `file-${i}`)
  for (const name of names) p.create(`many/${name}`)
  const fd = p.openDirectory('many')
  const removed: string[] = []
  let cookie = 0n
  for (;;) {
    const bytes = p.readdirOnce(fd, 256, cookie)
    const entries = entriesOf(bytes)
    for (const { name } of entries.filter(({ name }) => !name.startsWith('.'))) {
      p.unlink(name, fd)
      removed.push(name)
    }
    if (bytes.length < 256) break
    cookie = entries[entries.length - 1].next
  }
  assert.equal(removed.sort(), names.sort())
  p.rmdir('many')
  // What is open and removed has nothing to tell, as on Linux.
  assert.is(
    errnoOf(() => p.readdir(fd)),
    'ENOENT',
  )
  assert.is(p.fstat(fd).nlink, 0n)
  assert.is(
    errnoOf(() => p.create('x', '', { fd })),
    'ENOENT',
  )
  p.close(fd)
})

readdir('names that are no UTF-8 come as their bytes and lead to what they name', () => {
  const m = worlds.writable()
  const p = new Probe({ preopens: { '/': m } })
  const names = [
    Uint8Array.of(0xff),
    Uint8Array.of(0x61, 0xc3, 0x28),
    Uint8Array.of(0xed, 0xa0, 0x80),
    Uint8Array.of(0xf0, 0x9f, 0x92),
    new Uint8Array(255).fill(0xfe),
    new TextEncoder().encode('ñ'.repeat(127)),
    new TextEncoder().encode('\ufffd'),
  ]
  p.mkdir('odd')
  const fd = p.openDirectory('odd')
  for (const [i, name] of names.entries()) p.create(name, `content ${i}`, { fd })
  const latin1 = names.map(name => Buffer.from(name).toString('latin1'))
  assert.equal(
    p
      .readdir(fd, 300)
      .map(({ name }) => name)
      .slice(2)
      .sort(),
    [...latin1].sort(),
  )
  for (const [i, name] of names.entries()) {
    assert.is(p.content(name, { fd }), `content ${i}`)
    assert.is(p.readdir(fd).find(entry => entry.name === latin1[i])?.ino, p.stat(name, { fd }).ino)
    assert.is(m.fs.readFileSync(Buffer.concat([Buffer.from('/odd/'), name]), 'utf8'), `content ${i}`)
    p.unlink(name, fd)
  }
  p.rmdir('odd')
})

readdir('what is no directory, or may not be listed, is not', () => {
  const p = new Probe({ preopens: { '/': worlds.readOnly() } })
  assert.is(
    errnoOf(() => p.readdirOnce(p.open('small'), 100, 0n)),
    'ENOTCAPABLE',
  )
  assert.is(
    errnoOf(() => p.readdirOnce(1, 100, 0n)),
    'ENOTCAPABLE',
  )
  const blind = p.openDirectory('dir', { base: DIRECTORY_RIGHTS & ~RIGHTS.FD_READDIR })
  assert.is(
    errnoOf(() => p.readdirOnce(blind, 100, 0n)),
    'ENOTCAPABLE',
  )
})

readdir.run()
