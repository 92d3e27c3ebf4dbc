import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DirectoryStore } from '../../src/store/directory.js'
import type { StoredObject } from '../../src/store/object-store.js'
import { skip } from '../helpers/paths.js'
import { codeOf, storeContract } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'

const top = fs.mkdtempSync(join(tmpdir(), 'directory-store-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
let count = 0
const fresh = (): string => join(top, String(count++))

const NAME = `ab/${'cd'.repeat(31)}`

function openFds(): number {
  return fs.readdirSync('/proc/self/fd').length
}

function closing(object: StoredObject): void {
  object.close()
}

for (const portable of [false, true]) {
  const way = portable ? 'by path' : 'by descriptor'
  const test = suite(`DirectoryStore ${way}`)
  const make = (root: string) => new DirectoryStore(root, { portable })

  storeContract(test, async () => make(fresh()))

  /** A store with one object and, outside of it, a directory with another. */
  const furnished = async () => {
    const root = fresh()
    const outside = fresh()
    const store = make(root)
    await store.put(NAME, noise(100))
    fs.mkdirSync(outside)
    fs.writeFileSync(join(outside, NAME.slice(3)), 'secret')
    return { root, outside, store }
  }

  const codes = async (store: DirectoryStore, name: string) => [
    await codeOf(async () => closing(await store.open(name))),
    await codeOf(() => closing(store.openSync(name))),
    await codeOf(() => store.stat(name)),
    await codeOf(() => store.statSync(name)),
  ]

  test('a symlink on the way is ELOOP, wherever it leads', async () => {
    const { root, outside, store } = await furnished()
    fs.symlinkSync(outside, join(root, 'out'))
    fs.symlinkSync('ab', join(root, 'in'))
    fs.symlinkSync('nowhere', join(root, 'dangling'))
    fs.mkdirSync(join(root, 'deep/er'), { recursive: true })
    fs.symlinkSync('../../ab', join(root, 'deep/er/link'))
    const base = NAME.slice(3)
    for (const dir of ['out', 'in', 'dangling', 'deep/er/link']) {
      assert.equal(await codes(store, `${dir}/${base}`), ['ELOOP', 'ELOOP', 'ELOOP', 'ELOOP'], dir)
      assert.is(await codeOf(() => store.put(`${dir}/new`, noise(5))), 'ELOOP', dir)
      assert.is(await codeOf(() => store.delete(`${dir}/${base}`)), 'ELOOP', dir)
    }
    assert.equal(fs.readdirSync(outside), [base])
    assert.equal(
      fs.readdirSync(root).filter(name => name.startsWith('.tmp')),
      [],
    )
  })

  test('an object that is a symlink, a directory, a fifo or a socket is ENOENT and does not block', async () => {
    const { root, store } = await furnished()
    fs.symlinkSync(NAME, join(root, 'link'))
    fs.symlinkSync('/etc/passwd', join(root, 'ab/out'))
    fs.mkdirSync(join(root, 'dir'))
    execFileSync('mkfifo', [join(root, 'fifo')])
    const server = (await import('node:net')).createServer().listen(join(root, 'sock'))
    await new Promise(resolve => server.once('listening', resolve))
    for (const name of ['link', 'ab/out', 'dir', 'fifo', 'sock']) {
      assert.equal(await codes(store, name), ['ENOENT', 'ENOENT', 'ENOENT', 'ENOENT'], name)
      assert.is(await codeOf(() => store.put(name, noise(5))), 'EEXIST', name)
      await store.delete(name)
      assert.ok(fs.lstatSync(join(root, name)), `${name} is left alone`)
    }
    server.close()
  })

  test('a directory replaced by a symlink after an open is seen', async () => {
    const { root, outside, store } = await furnished()
    store.openSync(NAME).close()
    fs.renameSync(join(root, 'ab'), join(root, 'was'))
    assert.equal(await codes(store, NAME), ['ENOENT', 'ENOENT', 'ENOENT', 'ENOENT'])
    fs.symlinkSync(outside, join(root, 'ab'))
    assert.equal(await codes(store, NAME), ['ELOOP', 'ELOOP', 'ELOOP', 'ELOOP'])
    fs.unlinkSync(join(root, 'ab'))
    fs.renameSync(join(root, 'was'), join(root, 'ab'))
    assert.equal(await codes(store, NAME), ['none', 'none', 'none', 'none'])
  })

  test('errors name the object, not the way to it', async () => {
    const { store } = await furnished()
    for (const open of [
      () => store.openSync('ab/nope'),
      () => store.openSync('no/nope'),
      () => store.open('ab/nope'),
    ]) {
      let message = ''
      try {
        await open()
      } catch (error) {
        message = (error as Error).message
      }
      assert.match(message, /^ENOENT: object (ab|no)\/nope: /)
      assert.not.match(message, 'proc')
    }
  })

  test('the root may be a symlink, relative, with a trailing slash', async () => {
    const { root } = await furnished()
    const link = fresh()
    fs.symlinkSync(root, link)
    const relative = `${process
      .cwd()
      .split('/')
      .slice(1)
      .map(() => '..')
      .join('/')}${root}`
    for (const path of [link, `${link}/`, relative]) assert.equal(make(path).statSync(NAME), { size: 100 }, path)
  })

  test('list leaves out temporary and stray names', async () => {
    const { root, store } = await furnished()
    fs.writeFileSync(join(root, '.tmp123456'), 'x')
    fs.writeFileSync(join(root, 'README'), 'x')
    fs.mkdirSync(join(root, 'lost+found'))
    fs.writeFileSync(join(root, 'ab/short'), 'x')
    fs.writeFileSync(join(root, 'ab', 'ef'.repeat(32)), 'x')
    fs.symlinkSync(NAME.slice(3), join(root, 'ab', 'ee'.repeat(31)))
    fs.mkdirSync(join(root, 'ab', 'dd'.repeat(31)))
    fs.symlinkSync('ab', join(root, 'cc'))
    const sha512 = `ab/${'12'.repeat(63)}`
    await store.put(sha512, noise(1))
    const names: string[] = []
    for await (const name of store.list()) names.push(name)
    assert.equal(names.sort(), [NAME, sha512].sort())
  })

  test('an object has mode 0644 and its directory 0755 whatever the umask', async () => {
    const root = fresh()
    const before = process.umask(0o077)
    try {
      await make(root).put(NAME, noise(10))
    } finally {
      process.umask(before)
    }
    assert.is(fs.statSync(join(root, NAME)).mode & 0o7777, 0o644)
    assert.is(fs.statSync(join(root, 'ab')).mode & 0o7777, 0o755 & ~0o077)
  })

  test('a put that fails leaves neither a temporary file nor the store itself', async () => {
    const root = join(fresh(), 'a/b')
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield noise(10)
      assert.is(fs.readdirSync(root).length, 1, 'what is written lies in the top directory')
      assert.match(fs.readdirSync(root)[0], /^\.tmp[0-9a-z]{6}$/)
      throw Object.assign(new Error('no'), { code: 'ENOSPC' })
    }
    assert.is(await codeOf(() => make(root).put(NAME, failing())), 'ENOSPC')
    assert.not.ok(fs.existsSync(join(root, '..')))
  })

  test('a put whose name turns into a directory meanwhile fails and leaves no temporary file', async () => {
    const root = fresh()
    const late = async function* (): AsyncGenerator<Uint8Array> {
      yield noise(10)
      fs.mkdirSync(join(root, NAME), { recursive: true })
    }
    assert.is(await codeOf(() => make(root).put(NAME, late())), 'EISDIR')
    assert.equal(fs.readdirSync(root), ['ab'])
  })

  if (process.platform !== 'linux') skip(test, 'holds no descriptors', 'needs /proc')
  else {
    test('holds no descriptors, whatever happens', async () => {
      const { root, outside, store } = await furnished()
      fs.symlinkSync(outside, join(root, 'out'))
      fs.mkdirSync(join(root, 'ab/dir'))
      const before = openFds()
      const names = [NAME, 'ab/nope', 'no/nope', 'out/x', 'ab/dir', `${NAME}/x`, '../x', 'ab/dir/../dir/x']
      for (const name of names) {
        await codes(store, name)
        await codeOf(() => store.put(`${name}2`, noise(3)))
        await codeOf(() => store.delete(`${name}2`))
      }
      for await (const _ of store.list()) assert.ok(openFds() <= before + 1)
      const objects = await Promise.all(Array.from({ length: 20 }, () => store.open(NAME)))
      assert.is(openFds(), before + 20)
      const reads = objects.map(object => object.read(0, 100))
      for (const object of objects) object.close()
      await Promise.all(reads)
      assert.is(openFds(), before)
    })
  }

  test.run()
}

const swaps = suite('DirectoryStore under attack')

// Another process swaps a directory of the store for a symlink to a place outside, as fast as it can.
const SWAPPER = `
import os, sys
root, outside = sys.argv[1], sys.argv[2]
os.symlink(outside, root + '/evil')
print('go', flush=True)
while True:
    os.rename(root + '/ab', root + '/keep'); os.rename(root + '/evil', root + '/ab')
    os.rename(root + '/ab', root + '/evil'); os.rename(root + '/keep', root + '/ab')
`
if (process.platform !== 'linux' || spawnSync('python3', ['--version']).error !== undefined) {
  skip(swaps, 'never serves what lies outside', 'needs Linux and python3')
} else {
  swaps('never serves what lies outside', async () => {
    const { spawn } = await import('node:child_process')
    const root = fresh()
    const outside = fresh()
    const store = new DirectoryStore(root)
    await store.put(NAME, noise(100))
    fs.mkdirSync(outside)
    fs.writeFileSync(join(outside, NAME.slice(3)), 'secret')
    const before = openFds()
    const swapper = spawn('python3', ['-c', SWAPPER, root, outside], { stdio: ['ignore', 'pipe', 'inherit'] })
    const seen: Record<string, number> = {}
    const note = (what: string) => {
      seen[what] = (seen[what] ?? 0) + 1
    }
    try {
      await new Promise(resolve => swapper.stdout.once('data', resolve))
      const until = Date.now() + 1500
      while (Date.now() < until) {
        for (let i = 0; i < 100; i++) {
          try {
            const object = store.openSync(NAME)
            note(String(object.size))
            object.close()
          } catch (error) {
            note((error as { code: string }).code)
          }
        }
        await store.open(NAME).then(
          object => {
            note(String(object.size))
            object.close()
          },
          (error: { code: string }) => note(error.code),
        )
      }
    } finally {
      swapper.kill()
      await new Promise(resolve => swapper.once('close', resolve))
    }
    assert.is(openFds(), before)
    assert.is(seen['6'], undefined, JSON.stringify(seen))
    assert.ok(seen['100'] > 0, JSON.stringify(seen))
    assert.ok(seen['ELOOP'] > 0, JSON.stringify(seen))
    assert.equal(
      Object.keys(seen).filter(what => !['100', 'ELOOP', 'ENOENT'].includes(what)),
      [],
      JSON.stringify(seen),
    )
  })
}

swaps.run()
