// The rows about stores of the table in spec/hostile-images.md, one test each: what a mount over a directory answers where the image's
// redirect or what lies in the store is a lie. The images and stores are made here. Not here: the rows about images (image/hostile.test.ts).
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, faultError } from '../../src/format/errno.js'
import { objectName, toHex } from '../../src/format/hex.js'
import { INODE_EXTENDED } from '../../src/format/structs.js'
import { verityDigest } from '../../src/format/verity.js'
import { sha256 } from '../../src/host/hash.js'
import { DiffSide, imageDiff } from '../../src/image/image-diff.js'
import { TreeEntries } from '../../src/image/tree-entries.js'
import { buildImage, DirectoryStore, mountSync, openImageSync } from '../../src/node.js'
import { ImageCheck } from '../../src/overlay/image-check.js'
import { find, setField, write } from '../helpers/mutate.js'

const stores = suite('hostile stores')
const folder = fs.mkdtempSync(join(tmpdir(), 'composefs-hostile-stores-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

const BYTES = Buffer.from('what is in the object\n'.repeat(400))
const DIGEST = verityDigest(BYTES, sha256)
const NAME = objectName(DIGEST)
const OTHER = Buffer.from(BYTES).fill(0x78)

interface Answer {
  readonly code: string
  readonly message: string
  readonly cause: unknown
}

const OK: Answer = { code: 'ok', message: '', cause: undefined }

function answerOf(error: unknown): Answer {
  const { code = String(error), message, cause } = error as Error & { code?: string }
  return { code, message, cause }
}

function told(run: () => unknown): Answer {
  try {
    run()
    return OK
  } catch (error) {
    return answerOf(error)
  }
}

const later = (run: () => Promise<unknown>): Promise<Answer> => run().then(() => OK, answerOf)

/** A message, and those of what it was caused by. */
function causeText({ message, cause }: Answer): string {
  return `${message} ${cause instanceof Error ? causeText({ code: '', message: cause.message, cause: cause.cause }) : String(cause ?? '')}`
}

async function imageOf(payload: string, { size = BYTES.length, digest = toHex(DIGEST) } = {}): Promise<Uint8Array> {
  const dump = `/ 0 40755 1 0 0 0 0.0 - - -\n/file ${size} 100644 1 0 0 0 0.0 ${payload} - ${digest}\n`
  return (await buildImage({ dump }, {})).image
}

/** A store's directory, with what lies in it. */
function storeWith(lay: (root: string) => void = () => {}): string {
  const root = fs.mkdtempSync(join(folder, 'store-'))
  lay(root)
  return root
}

function put(root: string, name: string, bytes: Uint8Array): string {
  const path = join(root, name)
  fs.mkdirSync(dirname(path), { recursive: true })
  fs.writeFileSync(path, bytes)
  return path
}

interface Asked {
  readonly stat: Answer
  readonly open: Answer
  readonly read: Answer
  /** A few bytes of it, by a descriptor. */
  readonly piece: Answer
}

/** stat, open, and reading all, by the synchronous calls and by the promises, which must agree. */
async function ask(image: Uint8Array, root: string): Promise<Asked> {
  const m = mountSync(image, { store: new DirectoryStore(root) })
  const asked: Asked = {
    stat: told(() => m.fs.statSync('/file')),
    open: told(() => m.fs.closeSync(m.fs.openSync('/file', 'r'))),
    read: told(() => m.fs.readFileSync('/file')),
    piece: told(() => m.fs.readSync(m.fs.openSync('/file', 'r'), Buffer.alloc(9), 0, 9, 0)),
  }
  const soon: Asked = {
    stat: await later(() => m.fs.promises.stat('/file')),
    open: await later(async () => (await m.fs.promises.open('/file')).close()),
    read: await later(() => m.fs.promises.readFile('/file')),
    piece: await later(async () => {
      const handle = await m.fs.promises.open('/file')
      await handle.read(Buffer.alloc(9), 0, 9, 0).finally(() => handle.close())
    }),
  }
  m.unmount()
  assert.equal([codes(soon), soon.piece.code], [codes(asked), asked.piece.code])
  return asked
}

function codes({ stat, open, read }: Asked): string {
  return `${stat.code} ${open.code} ${read.code}`
}

/** What `verify` finds of an image's own lies, and every reader of the whole answers. */
function walks(image: Uint8Array): Record<string, string> {
  const opened = openImageSync(image)
  const found: string[] = []
  const verify = told(() => {
    for (const _ of new ImageCheck(opened, (_path, why) => found.push((why as Fault).code)).run());
  })
  const entries = TreeEntries.open(opened)
  const side = () => new DiffSide(openImageSync(image), fault => faultError(fault, 'diff'))
  const none = () => {}
  return {
    verify: found[0] ?? verify.code,
    dump: told(() => {
      for (let more: unknown = true; more !== false; ) {
        more = entries instanceof Fault ? entries : entries.next()
        if (more instanceof Fault) throw faultError(more, 'dump')
      }
    }).code,
    diff: told(() => {
      for (const _ of imageDiff(side(), side(), { added: none, removed: none, changed: none }, sha256));
    }).code,
  }
}

stores('redirect that leaves the store (`../..`): EXDEV', async () => {
  fs.writeFileSync(join(folder, 'outside'), BYTES)
  for (const payload of ['../outside', '../../outside', 'aa/../../outside', '..', '../..']) {
    assert.is(codes(await ask(await imageOf(payload), storeWith())), 'ok EXDEV EXDEV', payload)
  }
})

stores('redirect `a//b`: EINVAL', async () => {
  for (const payload of ['a//b', 'a///b']) {
    const root = storeWith(at => put(at, 'a/b', BYTES))
    assert.is(codes(await ask(await imageOf(payload), root)), 'ok EINVAL EINVAL', payload)
  }
})

function linkToObject(path: string): void {
  fs.writeFileSync(`${path}.real`, BYTES)
  fs.symlinkSync(`${path}.real`, path)
}

for (const [what, lay] of [
  ['symlink', linkToObject],
  ['symlink to nothing', (path: string) => fs.symlinkSync('nothing', path)],
  ['symlink to itself', (path: string) => fs.symlinkSync(path, path)],
  ['directory', (path: string) => fs.mkdirSync(path)],
  ['fifo', (path: string) => execFileSync('mkfifo', [path])],
] as const) {
  stores(`object is a ${what}: ENOENT`, async () => {
    const root = storeWith(at => {
      fs.mkdirSync(join(at, dirname(NAME)))
      lay(join(at, NAME))
    })
    assert.is(codes(await ask(await imageOf(NAME), root)), 'ok ENOENT ENOENT')
  })
}

stores("a directory on the object's way is a symlink: ELOOP", async () => {
  for (const target of ['real', '/tmp', '.', '..', 'nothing']) {
    const root = storeWith(at => {
      put(at, `real/${NAME.slice(3)}`, BYTES)
      fs.symlinkSync(target, join(at, dirname(NAME)))
    })
    assert.is(codes(await ask(await imageOf(NAME), root)), 'ok ELOOP ELOOP', target)
  }
})

stores('object missing: stat answers, open is ENOENT and names the object', async () => {
  for (const root of [storeWith(), storeWith(at => fs.mkdirSync(join(at, dirname(NAME))))]) {
    const asked = await ask(await imageOf(NAME), root)
    assert.is(codes(asked), 'ok ENOENT ENOENT')
    assert.match(causeText(asked.open), NAME)
  }
})

stores('metacopy without redirect: EIO', async () => {
  const whole = await imageOf(NAME)
  // Another mark, of no meaning.
  const image = write(whole, find(whole, 'overlay.redirect'), 'overlay.redirecT')
  assert.is(
    codes(
      await ask(
        image,
        storeWith(at => put(at, NAME, BYTES)),
      ),
    ),
    'ok EIO EIO',
  )
})

stores('composefs whiteout (character device 0:0) with nlink > 1: EINVAL', async () => {
  const dump = '/ 0 40755 1 0 0 0 0.0 - - -\n/odd 0 20644 2 0 0 259 1700000000.5 - - -\n'
  const { image } = await buildImage({ dump }, {})
  const { ino } = [...openImageSync(image).entries()][1]
  const whiteout = setField(image, ino * 32, INODE_EXTENDED.fields.i_u, 0)
  assert.equal(walks(image), { verify: 'ok', dump: 'ok', diff: 'ok' })
  assert.equal(walks(whiteout), { verify: 'EINVAL', dump: 'EINVAL', diff: 'EINVAL' })
  assert.is(
    (
      await buildImage(openImageSync(whiteout), {}).then(
        () => OK,
        error => error,
      )
    ).code,
    'EINVAL',
  )
  // To a mount it hides its name, as every other one does.
  const m = mountSync(whiteout)
  assert.is(told(() => m.fs.lstatSync('/odd')).code, 'ENOENT')
  m.unmount()
})

stores("object's size is not the inode's: EIO", async () => {
  const root = storeWith(at => put(at, NAME, BYTES))
  for (const size of [1, BYTES.length - 1, BYTES.length + 1, 2 ** 31, 2 ** 43, 2 ** 53]) {
    const { stat, read, piece } = await ask(await imageOf(NAME, { size }), root)
    // More than a Buffer holds is never read as one, as by Node itself.
    const whole = size < 2 ** 31 ? 'EIO' : 'ERR_FS_FILE_TOO_LARGE'
    assert.equal([stat.code, piece.code, read.code], ['ok', 'EIO', whole], String(size))
  }
  for (const bytes of [BYTES.subarray(1), Buffer.concat([BYTES, Buffer.from('x')]), Buffer.alloc(0)]) {
    const { stat, read } = await ask(
      await imageOf(NAME),
      storeWith(at => put(at, NAME, bytes)),
    )
    assert.equal([stat.code, read.code], ['ok', 'EIO'], `${bytes.length}`)
  }
})

stores('digest mismatch: EIO, with both digests in `cause`', async () => {
  const { stat, open, read } = await ask(
    await imageOf(NAME),
    storeWith(at => put(at, NAME, OTHER)),
  )
  assert.equal([stat.code, open.code, read.code], ['ok', 'ok', 'EIO'])
  const { cause } = read
  assert.instance(cause, Error)
  const text = causeText(answerOf(cause))
  assert.match(text, toHex(DIGEST))
  assert.match(text, toHex(verityDigest(OTHER, sha256)))
})

stores('what is there is read', async () => {
  assert.is(
    codes(
      await ask(
        await imageOf(NAME),
        storeWith(at => put(at, NAME, BYTES)),
      ),
    ),
    'ok ok ok',
  )
})

stores.run()
