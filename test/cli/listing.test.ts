// composefs ls -lR against `ls` on the kernel's composefs mount of the same image, line for line.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command } from '../helpers/command.js'
import { KernelMounts, kernelReason } from '../helpers/kernel.js'
import { fixture, SHARED, skip, vector } from '../helpers/paths.js'

const listing = suite('composefs ls -lR, against ls on the kernel mount')
const reason = kernelReason()

interface Listed {
  readonly name: string
  image(dir: string): string
}

function unpacked(dir: string, name: string, bytes: Uint8Array): string {
  writeFileSync(join(dir, name), bytes)
  return join(dir, name)
}

const images: Listed[] = [
  { name: 'small.cfs', image: () => fixture('small.cfs') },
  { name: 'small-v1.cfs', image: () => fixture('small-v1.cfs') },
]
if (SHARED !== undefined) {
  images.push({ name: 'tree.cfs', image: () => vector('composefs/tree.cfs') })
  const large = 'cs9-x86_64-developer.cfs'
  const bytes = () => gunzipSync(readFileSync(vector(`composefs/${large}.gz`)))
  images.push({ name: large, image: dir => unpacked(dir, large, bytes()) })
} else {
  skip(listing, 'tree.cfs, cs9-developer', 'no shared vectors beside this checkout')
}

/** The lines of both that differ, the first few of them. */
function differing(ours: string, kernel: string): string[] {
  const a = ours.split('\n')
  const b = kernel.split('\n')
  const out: string[] = []
  for (let i = 0; i < Math.max(a.length, b.length) && out.length < 6; i++) {
    if (a[i] !== b[i]) out.push(`line ${i + 1}\n  ours:   ${a[i]}\n  kernel: ${b[i]}`)
  }
  return out
}

for (const { name, image } of images) {
  if (reason !== undefined) {
    skip(listing, name, reason)
    continue
  }
  listing(name, () => {
    const dir = mkdtempSync(join(tmpdir(), 'composefs-wasm-ls-'))
    const mounts = new KernelMounts()
    try {
      const path = image(dir)
      const objects = join(dir, 'objects')
      mkdirSync(objects)
      const mounted = mounts.composefs(path, objects)
      const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
      const args = ['-AlnR', '--time-style=full-iso', '.']
      const kernel = spawnSync('ls', args, { cwd: mounted.path, env, maxBuffer: 256 << 20, encoding: 'latin1' })
      assert.is(kernel.status, 0, kernel.stderr)
      const lines = kernel.stdout.split('\n').filter(line => !line.startsWith('total '))
      const { stdout, stderr, status } = command('composefs', 'ls', '-lR', path)
      assert.is(status, 0, stderr)
      assert.equal(differing(stdout.toString('latin1'), lines.join('\n')), [])
    } finally {
      mounts.dispose()
      rmSync(dir, { recursive: true })
    }
  })
}

listing.run()
