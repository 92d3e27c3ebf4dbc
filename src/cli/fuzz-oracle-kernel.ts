// The kernel's EROFS as an oracle: a process of its own mounts one image after the other, lists it and unmounts it, and is ended where
// one takes too long. Root on Linux, with Python, which has calls for xattrs. Not here: what is made of its answers.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { LISTING_BOUNDS, type Listing } from './fuzz-oracle-listing.js'

const TIME_LIMIT_MS = 20_000

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
  readonly #directory: string
  readonly #mount: string
  #child: ChildProcess | undefined
  #lines: AsyncIterator<string> | undefined
  #images = 0

  /** `directory`: for images and the mount, by itself. */
  constructor(directory: string) {
    this.#directory = directory
    this.#mount = join(directory, 'mount')
    fs.mkdirSync(this.#mount, { recursive: true })
  }

  /** The kernel's listing; undefined where it took too long. */
  async list(bytes: Uint8Array): Promise<Listing | undefined> {
    if (this.#child === undefined) this.#start()
    // A name of its own each time: what is still cached of another must not be looked at.
    const path = join(this.#directory, `kernel-${this.#images++}`)
    fs.writeFileSync(path, bytes)
    let timer: NodeJS.Timeout | undefined
    try {
      this.#child?.stdin?.write(`${path}\n`)
      const late = new Promise<undefined>(done => {
        timer = setTimeout(() => done(undefined), TIME_LIMIT_MS)
      })
      const line = await Promise.race([this.#lines?.next(), late])
      if (line === undefined || line.done === true) {
        this.close()
        return undefined
      }
      return JSON.parse(line.value) as Listing
    } finally {
      clearTimeout(timer)
      fs.rmSync(path, { force: true })
    }
  }

  #start(): void {
    const child = spawn('python3', ['-c', SCRIPT, this.#mount], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.on('error', () => {})
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    this.#child = child
  }

  /** Ends the process; nothing stays mounted. */
  close(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
    this.#lines = undefined
    if (fs.readFileSync('/proc/self/mounts', 'utf8').includes(` ${this.#mount} `)) {
      spawnSync('umount', ['-l', this.#mount], { stdio: 'ignore' })
    }
  }
}
