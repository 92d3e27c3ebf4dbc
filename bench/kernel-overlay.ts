// The kernel's writable overlays: an upper directory over mounts of images. Not here: the mounts below (kernel.ts of the
// tests' helpers), any measuring.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { KernelMount } from '../test/helpers/kernel.js'

const mounted = new Set<string>()
let watched = false

function unmount(path: string): void {
  if (!mounted.delete(path)) return
  if (spawnSync('umount', [path], { stdio: 'ignore' }).status !== 0) spawnSync('umount', ['-l', path])
}

/** Mounts an overlay over mounts, topmost first, with a new upper in a directory; unmounting clears that away. */
export function kernelOverlay(lowers: readonly string[], directory: string): KernelMount {
  if (!watched) {
    watched = true
    process.prependListener('exit', () => {
      for (const path of mounted) unmount(path)
    })
  }
  const base = mkdtempSync(join(directory, 'overlay-'))
  const [upper, work, path] = ['upper', 'work', 'merged'].map(name => join(base, name))
  for (const one of [upper, work, path]) mkdirSync(one)
  const options = `lowerdir=${lowers.join(':')},upperdir=${upper},workdir=${work},redirect_dir=on,metacopy=on`
  execFileSync('mount', ['-t', 'overlay', '-o', options, 'overlay', path], { stdio: ['ignore', 'ignore', 'pipe'] })
  mounted.add(path)
  return {
    path,
    unmount: () => {
      unmount(path)
      rmSync(base, { recursive: true, force: true })
    },
  }
}

/** The type of the file system that a directory lies on. */
export function fileSystemOf(directory: string): string {
  const { stdout } = spawnSync('stat', ['-f', '-c', '%T', directory], { encoding: 'utf8' })
  return stdout?.trim() || 'unknown'
}
