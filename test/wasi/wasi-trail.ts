// What a path goes through on the way, on a directory of the host: what makes Node's own WASI, which takes `..` and links at the end as
// text and hands the rest to the host, answer otherwise than a physical walk. Not here: what follows of it (wasi-deviations.ts).
import host from 'node:fs'

export interface Trail {
  /** It is absolute, or goes through a link that is. */
  readonly absolute: boolean
  /** It leads above the directory that it begins in, by itself or by a link. */
  readonly escapes: boolean
  /** `.` or `..` follow what is no directory, or stand at the end: as text they vanish. */
  readonly textual: boolean
  /** A link is in last place. */
  readonly endsInLink: boolean
  /** A link in last place leads to nothing. */
  readonly dangles: boolean
  /** Links were gone through. */
  readonly links: number
}

const LIMIT = 60

function kindOf(path: Buffer): 'directory' | 'link' | 'other' | 'none' {
  try {
    const stats = host.lstatSync(path)
    return stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other'
  } catch {
    return 'none'
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter(part => part !== '')
}

/** Follows a path (bytes as latin1) from a directory, whose path has no links in it. */
export function trailOf(start: string, path: string): Trail {
  const found = {
    absolute: path.startsWith('/'),
    escapes: false,
    textual: false,
    endsInLink: false,
    dangles: false,
    links: 0,
  }
  let parts = partsOf(path)
  const last = parts.at(-1)
  if (last === '.' || last === '..' || parts.length === 0) found.textual = true
  const way: string[] = []
  const here = (name?: string) =>
    Buffer.from([start, ...way, ...(name === undefined ? [] : [name])].join('/'), 'latin1')
  while (parts.length > 0 && found.links < LIMIT) {
    const name = parts[0]
    parts = parts.slice(1)
    if (name === '.' || name === '..') {
      if (kindOf(here()) !== 'directory') found.textual = true
      if (name === '..' && way.pop() === undefined) found.escapes = true
      continue
    }
    const kind = kindOf(here(name))
    if (kind !== 'link') {
      way.push(name)
      if (kind === 'directory') continue
      // What follows is not looked at by a walk, but is as text.
      if (parts.some(part => part === '..' || part === '.')) found.textual = true
      break
    }
    found.links++
    if (parts.length === 0) found.endsInLink = true
    const target = host.readlinkSync(here(name), 'latin1')
    if (target.startsWith('/')) {
      found.absolute = true
      break
    }
    if (parts[0] === '..' || (found.links > 1 && target.includes('..'))) found.textual = true
    parts = [...partsOf(target), ...parts]
  }
  if (found.endsInLink) {
    try {
      host.statSync(here())
    } catch {
      found.dangles = true
    }
  }
  return found
}
