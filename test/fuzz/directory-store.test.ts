// A directory store in whose place something else lies: links, directories, fifos, files of other sizes and bytes, by a seed. What is
// read is what the digest was made of, or there is an error with a code; nothing blocks.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault } from '../../src/format/errno.js'
import { objectName } from '../../src/format/hex.js'
import { verityDigest } from '../../src/format/verity.js'
import { standInHash } from '../../src/fuzz/stand-in-hash.js'
import { Random } from '../../src/fuzz.js'
import { DirectoryStore } from '../../src/node.js'
import { VerifiedObjects } from '../../src/store/verified.js'

const ROUNDS = 120
const SIZES = [0, 1, 4096, 5000, 20_000]
const hash = standInHash(32)

const stores = suite('directory stores that lie')

const folder = fs.mkdtempSync(join(tmpdir(), 'composefs-hostile-store-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))

/** Puts something in an object's place; its bytes are those of `bytes` or not. */
const PLACES: Readonly<Record<string, (path: string, bytes: Uint8Array, random: Random) => void>> = {
  right: (path, bytes) => fs.writeFileSync(path, bytes),
  link: (path, bytes) => {
    fs.writeFileSync(`${path}.real`, bytes)
    fs.symlinkSync(`${path}.real`, path)
  },
  'link to itself': path => fs.symlinkSync(path, path),
  directory: path => fs.mkdirSync(path),
  fifo: path => execFileSync('mkfifo', [path]),
  'a directory on its way that is a link': (path, bytes) => {
    const above = dirname(path)
    fs.renameSync(above, `${above}.real`)
    fs.symlinkSync(`${above}.real`, above)
    fs.writeFileSync(path, bytes)
  },
  longer: (path, bytes) => fs.writeFileSync(path, Buffer.concat([bytes, Buffer.from('x')])),
  shorter: (path, bytes) => fs.writeFileSync(path, bytes.subarray(1)),
  'other bytes': (path, bytes, random) => {
    const other = bytes.slice()
    if (other.length > 0) other[random.below(other.length)] ^= 1 + random.below(255)
    fs.writeFileSync(path, other)
  },
  nothing: () => {},
}
/** What must be refused, of any object that is not empty. */
const WRONG = new Set(Object.keys(PLACES).filter(name => name !== 'right'))

stores(`${ROUNDS} objects: right bytes, or an error`, () => {
  const told = new Map<string, Set<string>>()
  for (let round = 0; round < ROUNDS; round++) {
    const random = new Random(round)
    const kind = Object.keys(PLACES)[round % Object.keys(PLACES).length]
    const bytes = random.bytes(random.pick(SIZES))
    const digest = verityDigest(bytes, hash)
    const name = objectName(digest)
    const root = join(folder, String(round))
    fs.mkdirSync(dirname(join(root, name)), { recursive: true })
    PLACES[kind](join(root, name), bytes, random)
    const objects = new VerifiedObjects(new DirectoryStore(root), hash)
    const file = objects.open(name, { digest, size: bytes.length }, true)
    const content = file instanceof Fault ? file : file.readAll(true)
    if (!(file instanceof Fault)) file.close()
    objects.close()
    const answer = content instanceof Fault ? content.code : 'read'
    if (!(content instanceof Fault)) assert.equal(Buffer.from(content), Buffer.from(bytes), `${kind}, round ${round}`)
    if (bytes.length > 0) assert.is(content instanceof Fault, WRONG.has(kind), `${kind}, round ${round}: ${answer}`)
    told.set(kind, (told.get(kind) ?? new Set()).add(answer))
  }
  const codes = (kind: string) => [...(told.get(kind) ?? [])].filter(code => code !== 'read')
  for (const kind of ['link', 'link to itself', 'directory', 'fifo', 'nothing'])
    assert.equal(codes(kind), ['ENOENT'], kind)
  assert.equal(codes('a directory on its way that is a link'), ['ELOOP'])
  for (const kind of ['longer', 'shorter', 'other bytes']) assert.equal(codes(kind), ['EIO'], kind)
})

stores.run()
