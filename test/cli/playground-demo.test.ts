// The playground's demo (.ci/demo.mjs): the same bytes each time, and in them what it says is there.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inflateSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Mount, mountSync, openImageSync } from '../../src/node.js'
import { command } from '../helpers/command.js'
import { ROOT } from '../helpers/paths.js'

interface DemoTree {
  readonly many: { readonly path: string; readonly count: number }
  readonly big: { readonly path: string; readonly size: number }
  readonly deep: { readonly path: string; readonly levels: number }
  readonly picture: string
  readonly drawing: string
  readonly wasm: string
  readonly hardLinks: readonly string[]
  readonly dangling: readonly string[]
  readonly whiteouts: readonly string[]
  readonly opaque: string
  readonly setuid: string
  readonly hostile: readonly string[]
  readonly oddNames: readonly string[]
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly shared: readonly string[]
}

interface DemoImage {
  readonly file: string
  readonly digest: string
  readonly size: number
  readonly entries: number
}

interface Demo {
  readonly DEMO_TREE: DemoTree
  buildDemo(outDir: string): Promise<{ images: DemoImage[]; objects: { count: number; bytes: number } }>
}

const demo = suite('demo')
const top = fs.mkdtempSync(join(tmpdir(), 'demo-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
// By a URL that no bundler knows: it finds its sources by where it lies.
const script = pathToFileURL(join(ROOT, '.ci/demo.mjs')).href
const { DEMO_TREE, buildDemo }: Demo = await import(script)
const dir = join(top, 'one')
const built = await buildDemo(dir)
const again = await buildDemo(join(top, 'two'))

const store = join(dir, 'objects')
const mounts = built.images.map(({ file, digest }) => mountSync(join(dir, file), { store, digest, verity: 'require' }))
const [one, two] = mounts

function filesOf(folder: string): string[] {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length))
    .sort()
}

/** Every path of an image with what a user would see of it. */
function seen(mount: Mount): Map<string, string> {
  const found = new Map<string, string>()
  for (const entry of mount.images[0].entries()) {
    const { mode, uid, gid, size } = entry
    // The size of a directory is no fact of the tree.
    const facts = [mode, uid, gid, (mode & 0o170000) === 0o040000 ? 0 : size]
    found.set(entry.path, facts.join(' '))
  }
  return found
}

demo('is the same at every build, and small', () => {
  assert.equal(again, built)
  const files = filesOf(dir)
  assert.equal(filesOf(join(top, 'two')), files)
  let bytes = 0
  for (const name of files) {
    const data = fs.readFileSync(join(dir, name))
    assert.ok(data.equals(fs.readFileSync(join(top, 'two', name))), name)
    bytes += data.length
  }
  assert.ok(bytes < 4_000_000, `${bytes} bytes`)
})

demo('is whole: every object is there and as its name says', () => {
  for (const { file, digest, entries, size } of built.images) {
    const image = openImageSync(join(dir, file))
    assert.equal([image.digest(), fs.statSync(join(dir, file)).size], [digest, size])
    const dumped = command('composefs-info', 'dump', join(dir, file)).stdout.toString().trim().split('\n')
    assert.is(dumped.length, entries)
    image.close()
    assert.is(command('composefs', 'verify', join(dir, file), '--basedir', store).status, 0)
  }
  const checked = command('composefs', 'fsck', store, ...built.images.map(({ file }) => join(dir, file)))
  assert.is(checked.status, 0, checked.stdout.toString())
  assert.is(filesOf(store).filter(name => !name.endsWith('.verity')).length, built.objects.count)
})

demo('holds files of every kind', () => {
  const { fs: m } = one
  assert.is(m.readdirSync(DEMO_TREE.many.path).length, DEMO_TREE.many.count)
  const big = m.readFileSync(DEMO_TREE.big.path, 'utf8')
  assert.equal([big.length, big.endsWith('\n')], [DEMO_TREE.big.size, true])
  const links = DEMO_TREE.hardLinks.map(path => m.lstatSync(path))
  assert.equal(new Set(links.map(({ ino }) => ino)).size, 1)
  assert.is(links[0].nlink, links.length)
  for (const path of DEMO_TREE.dangling) {
    assert.ok(m.lstatSync(path).isSymbolicLink(), path)
    assert.throws(() => m.statSync(path), /ENOENT|ENOTDIR/)
  }
  assert.is(Number(m.lstatSync(DEMO_TREE.setuid).mode) & 0o7777, 0o4755)
  const kinds = new Set([...one.images[0].entries()].map(({ mode }) => mode & 0o170000))
  assert.is(kinds.size, 7)
  let path = DEMO_TREE.deep.path
  for (let level = 1; level <= DEMO_TREE.deep.levels; level++) {
    const [name, ...more] = m.readdirSync(path) as string[]
    assert.equal(more, [])
    path += `/${name}`
  }
  assert.equal(m.readdirSync(path), ['bottom.txt'])
  assert.ok((m.listxattrSync('/etc/hostname') as string[]).includes('user.comment'))
})

demo('holds what an overlay would have left', () => {
  const { fs: m } = one
  for (const path of DEMO_TREE.whiteouts) {
    const names = m.listxattrSync(path) as string[]
    assert.ok(names.includes('trusted.overlay.whiteout'), `${path}: ${names}`)
  }
  assert.is(Buffer.from(m.getxattrSync(DEMO_TREE.opaque, 'trusted.overlay.opaque')).toString(), 'y')
})

demo('holds names of every kind, byte for byte', () => {
  const bytes = (text: string) =>
    Buffer.concat(
      Array.from(text, c =>
        /[\udc80-\udcff]/.test(c) && c.length === 1 ? Buffer.from([c.charCodeAt(0) & 0xff]) : Buffer.from(c),
      ),
    )
  const listed = (one.fs.readdirSync('/srv/names', { encoding: 'buffer' }) as Buffer[]).map(name =>
    name.toString('hex'),
  )
  for (const name of DEMO_TREE.oddNames) assert.ok(listed.includes(bytes(name).toString('hex')), JSON.stringify(name))
  assert.ok(DEMO_TREE.oddNames.some(name => bytes(name).includes(0xff)))
  for (const path of DEMO_TREE.hostile) assert.ok(one.fs.readFileSync(path).length > 0, path)
})

demo('its pictures, data and programs are what they look like', async () => {
  const { fs: m } = one
  const png = m.readFileSync(DEMO_TREE.picture) as Buffer
  assert.is(png.subarray(1, 4).toString(), 'PNG')
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const at = png.indexOf('IDAT')
  const pixels = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)))
  assert.is(pixels.length, height * (width * 3 + 1))
  assert.match(m.readFileSync(DEMO_TREE.drawing, 'utf8') as string, /^<svg [\s\S]*<\/svg>\n$/)
  assert.is(JSON.parse(m.readFileSync('/usr/share/data/stations.json', 'utf8') as string).stations.length, 8)
  assert.ok(WebAssembly.validate(new Uint8Array(m.readFileSync(DEMO_TREE.wasm))))
})

demo('release 2 is as it says, and shares the rest', () => {
  const [before, after] = [seen(one), seen(two)]
  assert.equal([...after.keys()].filter(path => !before.has(path)).sort(), [...DEMO_TREE.added].sort())
  assert.equal([...before.keys()].filter(path => !after.has(path)).sort(), [...DEMO_TREE.removed].sort())
  for (const path of DEMO_TREE.shared) assert.ok(one.fs.readFileSync(path).equals(two.fs.readFileSync(path)), path)
  // What only its age tells apart would be noise: but for folders, each difference has something to show.
  const text = command('composefs', 'diff', ...built.images.map(({ file }) => join(dir, file))).stdout.toString()
  const changed = text.split('\n').filter(line => line.startsWith('~'))
  assert.ok(changed.length > 5)
  for (const line of changed) {
    const path = line.slice(2, line.indexOf(':'))
    if (!one.fs.lstatSync(path).isDirectory()) assert.match(line, /content|mode/)
  }
  assert.match(text, /objects \([\d.]+ MiB\) shared/)
})

demo('the end', () => {
  for (const mount of mounts) mount.unmount()
})

demo.run()
