// A directory with what an image builder can meet: every file type that this user may make, odd names and targets, times
// before 1970, sparse and equal files, hard links, deep directories, xattrs.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'

export const ROOT_USER = process.getuid?.() === 0

export interface SourceTree {
  readonly path: string
  /** What this host or user could not make, and why. */
  readonly missing: readonly string[]
}

function setXattr(path: string, name: string, value: string): boolean {
  const program =
    'import os,sys; os.setxattr(sys.argv[1], sys.argv[2], sys.argv[3].encode("latin1"), follow_symlinks=False)'
  return spawnSync('python3', ['-c', program, path, name, value], { stdio: 'ignore' }).status === 0
}

/** Whoever makes the same tree twice gets the same, but for inode numbers and ctimes. */
export function makeSourceTree(path: string): SourceTree {
  const missing: string[] = []
  const at = (...parts: string[]) => join(path, ...parts)
  fs.mkdirSync(at('bin/a-b'), { recursive: true })
  fs.mkdirSync(at('z/deep/er/and/er'), { recursive: true })
  fs.mkdirSync(at('empty'))
  const pattern = (size: number) => Uint8Array.from({ length: size }, (_, i) => i % 251)
  for (const size of [0, 1, 63, 64, 65, 4095, 4096, 4097, 70_000, 524_288, 524_289, 1_048_576, 1_048_577, 3_000_001]) {
    fs.writeFileSync(at('bin', `size-${size}`), pattern(size))
  }
  fs.writeFileSync(at('z/deep/same'), pattern(4097))
  fs.writeFileSync(at('z/zeros'), new Uint8Array(2_000_000))
  fs.writeFileSync(at('z/sparse'), '')
  fs.truncateSync(at('z/sparse'), 5_000_000)
  fs.writeFileSync(at('z/deep/er/and/er/file'), 'down here')
  fs.writeFileSync(at('bin/a-b/first'), 'more than the sixty-four bytes that an image takes in itself, by a little')
  fs.linkSync(at('bin/a-b/first'), at('bin/z-second'))
  fs.linkSync(at('bin/a-b/first'), at('empty/third'))
  fs.symlinkSync('../bin/size-65', at('z/link'))
  fs.symlinkSync('nowhere', at('dangling'))
  fs.symlinkSync(Buffer.from([0x2e, 0xff, 0xfe]), at('odd-target'))
  fs.writeFileSync(Buffer.concat([Buffer.from(`${path}/n`), Buffer.from([0xff, 0xfe])]), 'a name that is not UTF-8')
  fs.mkdirSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xc3, 0x28])]))
  fs.writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xc3, 0x28]), Buffer.from('/in')]), pattern(99))
  fs.writeFileSync(at('ünï©ødé 💾'), 'text\n')
  fs.writeFileSync(at('n'.repeat(255)), 'long name')
  fs.writeFileSync(at('setuid'), 'x', { mode: 0o600 })
  execFileSync('mkfifo', [at('fifo')])
  if (
    spawnSync('python3', ['-c', `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(at('sock'))})`])
      .status !== 0
  )
    missing.push('sockets: no python3')
  if (ROOT_USER) {
    execFileSync('mknod', [at('null'), 'c', '1', '3'])
    execFileSync('mknod', [at('disk'), 'b', '259', '70000'])
    execFileSync('mknod', [at('whiteout'), 'c', '0', '0'])
    fs.lchownSync(at('z/link'), 12, 4_000_000_000)
    fs.chownSync(at('bin'), 1234, 5678)
  } else missing.push('devices and owners: not root')
  fs.chmodSync(at('setuid'), 0o6755)
  fs.chmodSync(at('empty'), 0o1777)
  if (!setXattr(at('bin/size-65'), 'user.note', 'hello')) missing.push('xattrs: none here, or no python3')
  else {
    setXattr(at('bin'), 'user.note', 'hello')
    setXattr(at('bin/size-1'), 'user.empty', '')
    setXattr(at('bin/size-64'), 'user.large', 'v'.repeat(2000))
    if (ROOT_USER) {
      setXattr(at('z/link'), 'trusted.link', 'of the link itself')
      setXattr(at('bin/size-65'), 'trusted.overlay.opaque', 'y')
    }
  }
  stamp(path)
  return { path, missing }
}

/** Times that say something, deepest first; one before 1970, one with all nanoseconds. */
function stamp(path: string): void {
  const program = `
import os, sys
stamp = 1000000000123456789
for dir, dirs, files in os.walk(os.fsencode(sys.argv[1]), topdown=False):
    for name in sorted(files + dirs) + [b'.']:
        os.utime(os.path.join(dir, name), ns=(0, stamp), follow_symlinks=False)
        stamp += 1000000007
os.utime(os.path.join(os.fsencode(sys.argv[1]), b'dangling'), ns=(0, -1500000001), follow_symlinks=False)
`
  spawnSync('python3', ['-c', program, path])
}
