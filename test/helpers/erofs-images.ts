// EROFS images by mkfs.erofs, whichever version there is: named by MKFS_EROFS, else on PATH. A set of options that it does not
// take is told by what it says. Not here: what the images are made of (erofs-source.ts), with which options
// (erofs-options.ts).
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { peer } from './command.js'
import type { ErofsOptions } from './erofs-options.js'

/** Now and then it takes minutes to deduplicate what another time is a second. */
const LATEST_MS = 60_000

export interface ErofsImage {
  readonly path: string
  /** Further devices, in order. */
  readonly devices: readonly string[]
}

export interface Mkfs {
  readonly path: string
  /** `1.9.3`, say. */
  readonly version: string
  /** Bytes: 1.5 loses the last byte of one of 255, and fails. */
  readonly longestName: number
}

export function findMkfs(): Mkfs | undefined {
  const path = peer('MKFS_EROFS', 'mkfs.erofs')
  if (path === undefined) return undefined
  const { stdout, stderr } = spawnSync(path, ['-V'], { encoding: 'utf8' })
  const version = /\d+\.\d+[\w.-]*/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown'
  return { path, version, longestName: version.startsWith('1.5') ? 254 : 255 }
}

/** The tar stream of a source; made once beside it. */
function tarOf(source: string): string {
  const path = `${source}.tar`
  if (!existsSync(path)) {
    // A tar has no sockets.
    const format = ['--format=posix', '--xattrs', '--xattrs-include=*', '--sort=name', '--warning=no-file-ignored']
    execFileSync('tar', [...format, '-cf', path, '-C', source, '.'], { stdio: ['ignore', 'ignore', 'pipe'] })
  }
  return path
}

/** Makes an image of a source at `path`, or answers why this mkfs.erofs does not. */
export function makeErofsImage(mkfs: Mkfs, source: string, path: string, options: ErofsOptions): ErofsImage | string {
  const { args, blob, hints, tar } = options
  const all = [...args]
  for (const old of [path, `${path}.blob`]) rmSync(old, { force: true })
  if (blob) {
    // 1.5 wants it to be there.
    writeFileSync(`${path}.blob`, '')
    all.push(`--blobdev=${path}.blob`)
  }
  if (hints !== undefined) {
    writeFileSync(`${path}.hints`, `${hints.join('\n')}\n`)
    all.push(`--compress-hints=${path}.hints`)
  }
  const run = spawnSync(mkfs.path, ['-d1', ...all, path, tar ? tarOf(source) : source], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LATEST_MS,
  })
  if (run.status !== 0) {
    const said = run.stderr.split('\n').find(line => /erofs|unrecognized|invalid/i.test(line)) ?? run.stderr
    return `${said.trim().slice(0, 160) || 'it says nothing'} (${run.signal ?? `exit ${run.status}`})`
  }
  if (statSync(path).size === 0) return 'it made an empty image'
  return { path, devices: blob ? [`${path}.blob`] : [] }
}
