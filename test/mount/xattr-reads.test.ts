// Which extended attributes a mount reads of which inodes, as the kernel's erofs and composefs mounts do (xattr_permission): those of
// `user` of what is neither file nor directory are listed, and not read. The kernel itself is asked too where it can be.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { COMPOSEFS_HEADER } from '../../src/format/structs.js'
import { buildImage, type MountOptions, mountSync, openImage } from '../../src/node.js'
import { KernelMounts, kernelReason } from '../helpers/kernel.js'
import { skip } from '../helpers/paths.js'

const reads = suite('reads of xattrs')

const DUMP = `/ 0 40755 1 0 0 0 0.0 - - - user.x=root
/char 0 20644 1 0 0 259 0.0 - - - user.x=1 trusted.t=char
/fifo 0 10644 1 0 0 0 0.0 - - - user.x=1
/file 1 100644 1 0 0 0 0.0 - f - user.x=file user.overlay.y=o
/link 4 120777 1 0 0 0 0.0 file - - user.x=1 trusted.t=link
/socket 0 140644 1 0 0 0 0.0 - - - user.x=1
`
const NAMES = [
  'user.x',
  'user.none',
  'user.overlay.y',
  'user.',
  'trusted.t',
  'trusted.none',
  'trusted.',
  'trusted.overlay.',
  'trusted.overlay.none',
  'security.',
  'system.posix_acl_access',
  'system.none',
  'lustre.none',
  'none',
  '',
  `user.${'n'.repeat(251)}`,
]
const PATHS = ['/', '/char', '/fifo', '/file', '/link', '/socket']

type Answers = Readonly<Record<string, string>>
type Fs = ReturnType<typeof mountSync>['fs']

function told(run: () => unknown): string {
  try {
    return String(run())
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

function answersOf(fs: Fs): Answers {
  const out: Record<string, string> = {}
  for (const path of PATHS) {
    out[path] = told(() => fs.listxattrSync(path, { follow: false }))
    for (const name of NAMES) out[`${path} ${name}`] = told(() => fs.getxattrSync(path, name, { follow: false }))
  }
  return out
}

const { image } = await buildImage({ dump: DUMP }, {})
/** The same, as plain EROFS. */
const plain = Uint8Array.from(image)
plain.fill(0, 0, COMPOSEFS_HEADER.size)

function mounted(bytes: Uint8Array, options: MountOptions = {}): Answers {
  const m = mountSync(bytes, options)
  try {
    return answersOf(m.fs)
  } finally {
    m.unmount()
  }
}

for (const [what, answers] of [
  ['composefs', mounted(image)],
  ['EROFS', mounted(plain)],
  ['a writable mount', mounted(image, { writable: true })],
  ['a stack of mounts', mountedTwice()],
] as const) {
  reads(`${what}: of symlinks, devices, fifos and sockets none of user`, () => {
    for (const path of ['/char', '/fifo', '/link', '/socket']) {
      assert.match(answers[path], 'user.x')
      for (const name of ['user.x', 'user.none', 'user.']) assert.is(answers[`${path} ${name}`], 'ENODATA', path)
    }
    assert.is(answers['/ user.x'], 'root')
    assert.is(answers['/file user.x'], 'file')
    assert.is(answers['/file user.'], 'EINVAL')
    assert.is(answers['/link trusted.t'], 'link')
    assert.is(answers['/char trusted.t'], 'char')
    assert.is(answers['/link system.posix_acl_access'], 'ENOTSUP')
    assert.is(answers['/file trusted.overlay.'], what === 'EROFS' ? 'ENODATA' : 'EINVAL')
    for (const [name, code] of Object.entries({ none: 'ENOTSUP', '': 'ERANGE', 'trusted.': 'EINVAL' })) {
      assert.is(answers[`/file ${name}`], code, name)
    }
  })
}

function mountedTwice(): Answers {
  const m = mountSync([image, image])
  const answers = answersOf(m.fs)
  m.unmount()
  return answers
}

reads('what has such xattrs can be removed, but not copied up', () => {
  const m = mountSync(image, { writable: true })
  for (const path of ['/char', '/fifo', '/link', '/socket']) {
    assert.is(
      told(() => m.fs.lchownSync(path, 1, 1)),
      'ENODATA',
    )
    assert.is(
      told(() => m.fs.renameSync(path, `${path}2`)),
      'ENODATA',
    )
    assert.is(
      told(() => m.fs.removexattrSync(path, 'user.x', { follow: false })),
      'EPERM',
    )
    m.fs.unlinkSync(path)
  }
  m.fs.symlinkSync('file', '/link')
  assert.equal(Array.from(m.changes(), ({ path }) => path).sort(), ['/char', '/fifo', '/link', '/socket'])
  m.unmount()
})

reads(
  'what nobody can read is left out of an image that is built of a mount, and kept in one of an image',
  async () => {
    const again = await buildImage(await openImage(image), {})
    assert.equal(Buffer.from(again.image), Buffer.from(image))
    const m = mountSync(image, { writable: true })
    const { image: committed } = await m.commit()
    m.unmount()
    const fresh = mountSync(committed)
    assert.is(fresh.fs.listxattrSync('/link', { follow: false }).join(), 'trusted.t')
    assert.equal(fresh.fs.listxattrSync('/file').map(String).sort(), ['user.overlay.y', 'user.x'])
    fresh.unmount()
  },
)

const ASK = `
import errno, json, os, sys
root, paths, names = json.loads(sys.argv[1])
def told(f):
    try: return f()
    except OSError as e: return errno.errorcode[e.errno]
out = {}
for p in paths:
    out[p] = ','.join(os.listxattr(root + p, follow_symlinks=False))
    for n in names: out[p + ' ' + n] = told(lambda: os.getxattr(root + p, n, follow_symlinks=False).decode())
json.dump(out, sys.stdout)
`

const reason = kernelReason() ?? (spawnSync('python3', ['--version']).error ? 'no python3 to read xattrs' : undefined)
if (reason !== undefined) skip(reads, 'as the kernel', reason)
else {
  const dir = mkdtempSync(join(tmpdir(), 'composefs-xattr-reads-'))
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, 'objects'))
  const kernels = new KernelMounts()
  for (const [what, bytes] of [
    ['composefs', image],
    ['EROFS', plain],
  ] as const) {
    reads(`${what}: as the kernel`, () => {
      const file = join(dir, what)
      writeFileSync(file, bytes)
      const at = bytes === image ? kernels.composefs(file, join(dir, 'objects')) : kernels.erofs(file)
      const answer = spawnSync('python3', ['-c', ASK, JSON.stringify([at.path, PATHS, NAMES])], { encoding: 'utf8' })
      at.unmount()
      const sorted = (answers: Answers) =>
        Object.entries(answers).map(([key, value]) => `${key}: ${value.split(',').sort()}`)
      assert.equal(sorted(mounted(bytes)), sorted(JSON.parse(answer.stdout)))
    })
  }
}

reads.run()
