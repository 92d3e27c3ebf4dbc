// Differential test: on every uncompressed image the walk of a mount equals that of an independent decoder, and every
// path found by one is found by the other's look-up. The decoder knows nothing of src/ or asm/.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PlainDecoder, type PlainInode } from '../../src/fuzz/plain-decoder.js'
import { mountSync, openImageSync } from '../../src/node.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { splitDevice, type TruthFs } from '../helpers/truth.js'
import { knownImages } from '../kernel/images.js'

const DEVELOPER = 'composefs/cs9-x86_64-developer.cfs.gz'

function ours(fs: TruthFs, path: Buffer): string {
  const s = fs.lstatSync(path, { bigint: true })
  const device = (s.mode & 0o170000n) === 0o020000n || (s.mode & 0o170000n) === 0o060000n
  return [s.mode, s.nlink, s.uid, s.gid, s.size, s.mtimeNs, device ? splitDevice(s.rdev) : ''].join(' ')
}

function theirs(decoder: PlainDecoder, inode: PlainInode): string {
  const mtime = BigInt(inode.mtimeSec) * 1_000_000_000n + BigInt(inode.mtimeNsec)
  const device = inode.isDevice ? decoder.device(inode).join(':') : ''
  return [inode.mode, inode.nlink, inode.uid, inode.gid, inode.size, mtime, device].join(' ')
}

/** The first few differences between the two walks. */
function differences(bytes: Uint8Array): string[] {
  const decoder = new PlainDecoder(bytes)
  const mount = mountSync(openImageSync(bytes))
  const fs = mount.fs as unknown as TruthFs
  const out: string[] = []
  const walked = decoder.walk()
  for (const { raw, inode } of walked) {
    if (out.length >= 10) break
    const path = Buffer.from(raw, 'latin1')
    if (ours(fs, path) !== theirs(decoder, inode)) out.push(`${raw}: ${ours(fs, path)} | ${theirs(decoder, inode)}`)
    if (inode.isSymlink) {
      const target = Buffer.from(fs.readlinkSync(path, { encoding: 'buffer' }))
      if (!target.equals(decoder.readAll(inode))) out.push(`${raw}: target ${target.toString()}`)
    }
    if (!inode.isDirectory) continue
    const names = fs.readdirSync(path, { encoding: 'buffer' }).map(name => Buffer.from(name).toString('latin1'))
    const expected = decoder.readdir(inode).map(entry => entry.raw)
    if (names.sort().join('\0') !== expected.sort().join('\0')) out.push(`${raw}: lists ${names.join(' ')}`)
  }
  mount.unmount()
  assert.ok(walked.length > 1)
  return out
}

const walks = suite('the walk of a mount equals the plain decoder')
for (const image of knownImages()) walks(image.name, () => assert.equal(differences(image.bytes()), []))
if (SHARED === undefined) skip(walks, 'cs9-developer', 'there are no shared vectors beside this checkout')
else walks('cs9-developer', () => assert.equal(differences(gunzipSync(readFileSync(vector(DEVELOPER)))), []))

walks('names that are not there are found by neither', () => {
  for (const image of knownImages()) {
    const bytes = image.bytes()
    const decoder = new PlainDecoder(bytes)
    const fs = mountSync(openImageSync(bytes)).fs
    for (const { raw } of decoder.walk().filter(node => node.raw !== '/')) {
      for (const wrong of [`${raw}\u0001`, `${raw}~`, raw.slice(0, -1)]) {
        if (wrong.endsWith('/')) continue
        const found = decoder.resolve(wrong, false) !== undefined
        assert.is(exists(fs, wrong), found, `${image.name}: ${wrong}`)
      }
    }
  }
})

/** Without following a symlink, unlike existsSync. */
function exists(fs: { lstatSync(path: Buffer): unknown }, path: string): boolean {
  try {
    fs.lstatSync(Buffer.from(path, 'latin1'))
    return true
  } catch {
    return false
  }
}
walks.run()
