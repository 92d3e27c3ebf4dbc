// A directory to make EROFS images of, by a seed: contents that compress well, badly and not at all, sizes around those of
// blocks and physical clusters, copies whole and shifted, many names, links, devices, xattrs of each class, odd times and
// owners. Not here: the images (erofs-images.ts).
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { type Random, seeded } from './cfs-v1-trees.js'

const BLOCKS = [512, 1024, 2048, 4096, 8192, 16_384, 65_536, 131_072]
const WORDS = 400
const DIRECTORY_ENTRIES = 700
const KIB = 1024

export interface ErofsSource {
  readonly path: string
  /** What this host or user could not make, and why. */
  readonly missing: readonly string[]
}

/** Contents by kind. */
class Content {
  readonly #next: Random
  readonly #words: string[]

  constructor(next: Random) {
    this.#next = next
    const letter = () => String.fromCharCode(97 + next(26))
    this.#words = Array.from({ length: WORDS }, () => Array.from({ length: 2 + next(9) }, letter).join(''))
  }

  /** Compresses to a third or so. */
  text(length: number): Buffer {
    const out = Buffer.alloc(length)
    for (let at = 0; at < length; ) {
      const word = this.#words[Math.min(this.#next(WORDS), this.#next(WORDS))]
      at += out.write(`${word}${this.#next(12) === 0 ? '.\n' : ' '}`, at, 'latin1')
    }
    return out
  }

  random(length: number): Buffer {
    const out = Buffer.alloc(length)
    for (let i = 0; i < length; i++) out[i] = this.#next(256)
    return out
  }

  /** One byte over and over: the longest extents. */
  run(length: number): Buffer {
    return Buffer.alloc(length, this.#next(256))
  }

  /** Pieces of all kinds, short and long. */
  mixed(length: number): Buffer {
    const pieces: Buffer[] = []
    for (let left = length; left > 0; ) {
      const size = Math.min(left, 1 + this.#next(2 ** (4 + this.#next(14))))
      pieces.push([this.text, this.text, this.random, this.run][this.#next(4)].call(this, size))
      left -= size
    }
    return Buffer.concat(pieces)
  }
}

function writeSizes(at: (name: string) => string, content: Content): void {
  fs.mkdirSync(at('sizes'))
  const sizes = new Set([0, 1, 2, 31, 32, 33, 63, 64, 65, 12_345, 200_001])
  for (const block of BLOCKS) for (const size of [block - 1, block, block + 1]) sizes.add(size)
  for (const size of sizes) {
    fs.writeFileSync(at(`sizes/text-${size}`), content.text(size))
    if (size <= 16_385) fs.writeFileSync(at(`sizes/random-${size}`), content.random(size))
    if (size >= 4095) fs.writeFileSync(at(`sizes/run-${size}`), content.run(size))
  }
}

/** Files of many clusters, with `megabytes` of text in the largest. */
function writeLarge(at: (name: string) => string, content: Content, next: Random, megabytes: number): void {
  fs.mkdirSync(at('large'))
  const most = megabytes * KIB * KIB
  fs.writeFileSync(at('large/text'), content.text(most + next(5000)))
  fs.writeFileSync(at('large/mixed'), content.mixed(most + next(5000)))
  fs.writeFileSync(at('large/random'), content.random(300 * KIB + next(9000)))
  fs.writeFileSync(at('large/zeros'), Buffer.alloc(2 * most + next(5000)))
  fs.writeFileSync(at('large/sparse'), '')
  fs.truncateSync(at('large/sparse'), 3 * most + 77)
  const fd = fs.openSync(at('large/sparse'), 'r+')
  for (let i = 0; i < 5; i++) fs.writeSync(fd, content.mixed(1 + next(9000)), 0, undefined, next(3 * most - 9000))
  fs.closeSync(fd)
}

/** What deduplication finds: copies, copies behind or before something else, and with something in between. */
function writeCopies(at: (name: string) => string, content: Content, next: Random): void {
  fs.mkdirSync(at('copies'))
  const base = content.mixed(150 * KIB + next(20_000))
  fs.writeFileSync(at('copies/base'), base)
  fs.writeFileSync(at('copies/same'), base)
  for (const shift of [1, 7, 511, 4096, 5000, 70_001]) {
    fs.writeFileSync(at(`copies/behind-${shift}`), Buffer.concat([content.text(shift), base]))
    fs.writeFileSync(at(`copies/from-${shift}`), base.subarray(shift))
  }
  fs.writeFileSync(at('copies/longer'), Buffer.concat([base, content.text(777)]))
  const parts: Buffer[] = []
  for (let i = 0; i < 12; i++) {
    const begin = next(base.length - 30_000)
    parts.push(base.subarray(begin, begin + 1 + next(30_000)), content.random(next(3000)))
  }
  fs.writeFileSync(at('copies/woven'), Buffer.concat(parts))
  const tail = content.text(3000)
  for (let i = 0; i < 4; i++) fs.writeFileSync(at(`copies/tail-${i}`), Buffer.concat([content.text(4096 * i), tail]))
}

function writeNames(at: (name: string) => string, content: Content, next: Random, longest: number): void {
  fs.mkdirSync(at('many'))
  for (let i = 0; i < DIRECTORY_ENTRIES; i++) {
    fs.writeFileSync(at(`many/f${i}-${'x'.repeat(next(40))}`), content.text(next(8) === 0 ? next(6000) : next(90)))
  }
  fs.mkdirSync(at('names'))
  const odd = ['a'.repeat(longest), 'sp ace', 'new\nline', 'back\\slash', '-', '..dots', '%41', 'ünïcødé-日本語']
  for (const name of odd) fs.writeFileSync(at(`names/${name}`), `name ${name}`)
  fs.writeFileSync(Buffer.concat([Buffer.from(at('names/')), Buffer.from([0xff, 0xfe])]), 'not UTF-8')
  fs.mkdirSync(at(`deep/${Array.from({ length: 30 }, (_, i) => `d${i}`).join('/')}`), { recursive: true })
  fs.mkdirSync(at('empty'))
}

function writeLinks(at: (name: string) => string, content: Content): void {
  fs.mkdirSync(at('links'))
  for (const length of [1, 59, 1023, 4000]) fs.symlinkSync('t'.repeat(length), at(`links/l${length}`))
  fs.symlinkSync('../sizes/text-4096', at('links/relative'))
  fs.symlinkSync('loop', at('links/loop'))
  fs.writeFileSync(at('links/h1'), content.text(9000))
  for (const name of ['links/h2', 'many/h3', 'h4']) fs.linkSync(at('links/h1'), at(name))
}

// Node has no calls for these: xattrs, nanoseconds of links, device nodes.
const SPECIAL = `
import os, random, socket, sys
root, seed, privileged = os.fsencode(sys.argv[1]), int(sys.argv[2]), os.geteuid() == 0
r = random.Random(seed)
os.chdir(root)
os.mkdir('special')
os.mkfifo('special/fifo')
if privileged:
    os.mknod('special/chr', 0o20644, os.makedev(1, 3))
    os.mknod('special/blk', 0o60600, os.makedev(259, 70000))
    os.mknod('special/zero', 0o20644, os.makedev(0, 0))
s = socket.socket(socket.AF_UNIX); s.bind('special/sock')
for m in (0o0, 0o4755, 0o2755, 0o1777, 0o777):
    p = 'special/m%o' % m; open(p, 'wb').write(b'm'); os.chmod(p, m)
os.mkdir('owners')
for u, g in ((0, 0), (1000, 1000), (65535, 65535), (65536, 70000), (4294967294, 3000000000)):
    p = 'owners/%d-%d' % (u, g); open(p, 'wb').write(b'o')
    if privileged: os.chown(p, u, g)
os.mkdir('xattrs')
refused = set()
def put(path, name, value):
    try: os.setxattr(path, name, value, follow_symlinks=False)
    except OSError as e: refused.add('%s: %s' % (name.split('.')[0], e.strerror))
acl = bytes.fromhex('0200000001000700ffffffff02000500e803000004000500ffffffff10000500ffffffff20000400ffffffff')
for i in range(24):
    p = 'xattrs/x%d' % i; open(p, 'wb').write(b'x' * (i * 90))
    put(p, 'user.common', b'the same value everywhere')
    put(p, 'user.n%d' % i, r.randbytes(r.randrange(0, 300)))
    put(p, 'user.long.prefix.of.many.%d' % (i % 5), b'%d' % (i % 3))
    if privileged:
        put(p, 'security.selinux', b'system_u:object_r:usr_t:s0\\0')
        if i % 3 == 0: put(p, 'trusted.t', b't%d' % i)
        if i % 4 == 0: put(p, 'trusted.overlay.note', b'o%d' % (i % 2))
        if i % 6 == 0: put(p, 'security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))
    if i % 5 == 0: put(p, 'system.posix_acl_access', acl)
put('xattrs/x0', 'user.empty', b''); put('xattrs/x1', 'user.' + 'k' * 200, b'v' * 1500)
put('xattrs', 'user.dir', b'd'); put('xattrs', 'system.posix_acl_default', acl); put('.', 'user.root', b'r')
for at, dirs, files in os.walk(b'.', topdown=False):
    for name in sorted(dirs + files) + [b'.']:
        t = (1_600_000_000 + r.randrange(10**8)) * 10**9 + r.choice([0, 0, r.randrange(10**9)])
        os.utime(os.path.join(at, name), ns=(t, t), follow_symlinks=False)
os.mkdir('times')
for t in (0, 1, -1, -1_500_000_001, 1_000_000_000_123_456_789, 2_147_483_648 * 10**9 + 5, 4_294_967_296 * 10**9 + 999_999_999):
    p = 'times/%d' % t; open(p, 'wb').write(b't'); os.utime(p, ns=(t, t))
for line in sorted(refused): print('xattrs ' + line)
if not privileged: print('devices, owners, privileged xattrs: not root')
`

export interface ErofsSourceOptions {
  /** Of text in the largest file; all the tree has some eight times that much. */
  readonly megabytes?: number
  /** Bytes of the longest name. */
  readonly longestName?: number
}

/** Makes the tree at `path`, which must not be there. The same seed makes the same tree, but for inode numbers and ctimes. */
export function makeErofsSource(
  path: string,
  seed: number,
  { megabytes = 2, longestName = 255 }: ErofsSourceOptions = {},
): ErofsSource {
  const next = seeded(seed * 2 + 1)
  const content = new Content(next)
  const at = (name: string) => join(path, name)
  fs.mkdirSync(path, { recursive: true })
  writeSizes(at, content)
  writeLarge(at, content, next, megabytes)
  writeCopies(at, content, next)
  writeNames(at, content, next, longestName)
  writeLinks(at, content)
  const special = spawnSync('python3', ['-c', SPECIAL, path, String(seed)], { encoding: 'utf8' })
  if (special.error !== undefined) return { path, missing: ['special files, xattrs, odd times: no python3'] }
  if (special.status !== 0) throw new Error(`source tree: ${special.stderr}`)
  return { path, missing: special.stdout.split('\n').filter(line => line !== '') }
}
