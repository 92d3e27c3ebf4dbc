// The kernel's EROFS as an oracle: a process of its own mounts one image after the other, lists it and unmounts it, and is ended where
// one takes too long. Root on Linux, with Python, which has calls for xattrs. Not here: what is made of its answers.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { LISTING_BOUNDS } from './fuzz-listing-bounds.js'
import { ListingChild } from './fuzz-oracle-child.js'
import type { Listing } from './fuzz-oracle-listing.js'

/** Reads names of images, a line each, and answers with a line of JSON each. */
const SCRIPT = `
import sys, os, json, hashlib, subprocess, resource, errno, stat
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
DEPTH, ENTRIES, BYTES = ${LISTING_BOUNDS.depth}, ${LISTING_BOUNDS.entries}, ${LISTING_BOUNDS.fileBytes}
where = os.fsencode(sys.argv[1])
text = lambda b: b.decode('latin-1')
bad = lambda e: '!' + errno.errorcode.get(e.errno, str(e.errno))
def tried(f):
    try: return f()
    except OSError as e: return bad(e)
def one_xattr(p, n):
    return os.getxattr(p, n, follow_symlinks=False).hex()
def xattrs(p):
    names = os.listxattr(p, follow_symlinks=False)
    return ' '.join(sorted(n if n == 'security.capability' else text(os.fsencode(n)) + '=' + tried(lambda: one_xattr(p, n)) for n in names))
def content(p):
    with open(p, 'rb') as f: data = f.read(BYTES + 1)
    return hashlib.sha256(data).hexdigest()[:16]
class Lister:
    def __init__(self): self.entries, self.cut, self.count = {}, False, 0
    def visit(self, path, depth):
        if self.count >= ENTRIES:
            self.cut = True
            return
        self.count += 1
        p = where + path
        facts = self.entries[text(path)] = {}
        try: s = os.lstat(p)
        except OSError as e:
            facts['stat'] = bad(e)
            return
        facts['stat'] = 'ok'
        facts['mtime'] = str(s.st_mtime_ns)
        for k, v in (('mode', s.st_mode), ('nlink', s.st_nlink), ('uid', s.st_uid), ('gid', s.st_gid), ('rdev', s.st_rdev), ('size', s.st_size)):
            facts[k] = str(v)
        facts['xattrs'] = tried(lambda: xattrs(p))
        if stat.S_ISLNK(s.st_mode): facts['target'] = tried(lambda: text(os.readlink(p)))
        if stat.S_ISREG(s.st_mode) and s.st_size <= BYTES: facts['content'] = tried(lambda: content(p))
        if not stat.S_ISDIR(s.st_mode): return
        try: names = sorted(os.listdir(p))
        except OSError as e:
            facts['names'] = bad(e)
            return
        facts['names'] = '/'.join(text(n) for n in names)
        if depth >= DEPTH: return
        for n in names: self.visit(path + b'/' + n, depth + 1)
for line in sys.stdin:
    r = subprocess.run(['mount', '-t', 'erofs', '-o', 'ro,loop', line.rstrip('\\n'), where], stderr=subprocess.PIPE)
    if r.returncode != 0:
        print(json.dumps({'refused': '!MOUNT ' + r.stderr.decode('latin-1').strip()[-200:], 'entries': {}, 'cut': False}), flush=True)
        continue
    lister = Lister()
    try: lister.visit(b'', 0)
    finally:
        if subprocess.run(['umount', where], stderr=subprocess.DEVNULL).returncode != 0: subprocess.run(['umount', '-l', where])
    print(json.dumps({'entries': lister.entries, 'cut': lister.cut}), flush=True)
`

/** Why the kernel can't be asked here; undefined where it can. */
export function noKernel(): string | undefined {
  if (process.platform !== 'linux') return `no Linux kernel (${process.platform})`
  if (process.getuid?.() !== 0) return 'not root'
  if (!fs.existsSync('/dev/loop-control')) return 'no loop devices'
  if (spawnSync('mount', ['--version'], { stdio: 'ignore' }).status !== 0) return 'no mount command'
  spawnSync('modprobe', ['erofs'], { stdio: 'ignore' })
  if (!fs.readFileSync('/proc/filesystems', 'utf8').includes('\terofs\n')) return 'the kernel has no erofs'
  if (spawnSync('python3', ['--version'], { stdio: 'ignore' }).status !== 0) return 'no python3'
  return undefined
}

export class KernelLister {
  readonly #mount: string
  readonly #child: ListingChild

  /** `directory`: for images and the mount, by itself. `time`: milliseconds for an image. */
  constructor(directory: string, time: number) {
    this.#mount = join(directory, 'mount')
    fs.mkdirSync(this.#mount, { recursive: true })
    const path = join(directory, 'kernel-')
    this.#child = new ListingChild({ command: 'python3', args: ['-c', SCRIPT, this.#mount], path, time })
  }

  /** The kernel's listing; undefined where it took too long. */
  async list(bytes: Uint8Array): Promise<Listing | undefined> {
    const listing = await this.#child.list(bytes)
    if (listing !== 'time-out' && !('ended' in listing)) return listing
    this.#unmount()
    return undefined
  }

  /** Ends the process; nothing stays mounted. */
  close(): void {
    this.#child.close()
    this.#unmount()
  }

  #unmount(): void {
    if (fs.readFileSync('/proc/self/mounts', 'utf8').includes(` ${this.#mount} `)) {
      spawnSync('umount', ['-l', this.#mount], { stdio: 'ignore' })
    }
  }
}
