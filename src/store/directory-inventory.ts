// What a cache that keeps its entries in a directory store asks of it: which there are, in the order in which they were
// put, and that what writers that are gone have left is cleared away. Part of src/store/directory.ts.
//
// A process that keeps a cache here is registered as a build (directory-builds.ts) for as long as it runs. So whoever
// comes next knows by the registers which processes go on, and that no living one has a temporary file that is older
// than all of theirs. A younger one goes when nothing has been written to it for an hour. In a directory that is filled
// by others as well, theirs would go too: a cache has its own.

import fs from 'node:fs'
import { BuildRegister, isUnwritable, readBuilds } from './directory-builds.js'
import { codeOf, namesIn, topKind } from './directory-names.js'
import { leave, type Place, type Walk } from './directory-walk.js'
import type { StoredEntry } from './object-store.js'

/** Parts in a name. */
const DEPTH_MAX = 4
const NS_PER_MS = 1_000_000n
const HOUR_NS = 3_600_000_000_000n

interface TimedEntry extends StoredEntry {
  readonly mtimeMs: number
}

function removeLeftovers(root: string): void {
  const now = BigInt(Date.now()) * NS_PER_MS
  const builds = readBuilds(root, now)
  const begun = builds.since ?? now
  const oldest = begun > now - HOUR_NS ? begun : now - HOUR_NS
  for (const name of namesIn(root)) {
    const kind = topKind(name)?.kind
    if (kind !== 'temporary' && kind !== 'register') continue
    const path = `${root}/${name}`
    const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (stat === undefined || !stat.isFile()) continue
    const left = kind === 'register' ? builds.stale.has(name) : stat.mtimeNs < oldest
    if (left) fs.rmSync(path, { force: true })
  }
}

/**
 * Registers this process, then clears away what those that are gone have left. Synchronous, so that nothing of ours is
 * put meanwhile. Answers whether there is a register; where nothing can be written there is none, and nothing to clear.
 * Throws the host's error.
 */
export function occupy(root: string): boolean {
  try {
    BuildRegister.begin(root)
  } catch (error) {
    if (!isUnwritable(error)) throw error
    return false
  }
  removeLeftovers(root)
  return true
}

/** Looks at one directory; answers the names of those in it. What goes meanwhile is not there. */
function look(place: Place, prefix: string, found: TimedEntry[]): string[] {
  const below: string[] = []
  for (const name of namesIn(place.path)) {
    if (name.startsWith('.')) continue
    const stat = fs.lstatSync(`${place.path}/${name}`, { throwIfNoEntry: false })
    if (stat?.isFile()) found.push({ name: prefix + name, size: stat.size, mtimeMs: stat.mtimeMs })
    else if (stat?.isDirectory()) below.push(name)
  }
  return below
}

async function collect(walk: Walk, place: Place, prefix: string, depth: number, found: TimedEntry[]): Promise<void> {
  // A directory at a time: asking for each file by a thread would take several times as long.
  const below = look(place, prefix, found)
  if (depth === DEPTH_MAX) return
  for (const name of below) {
    await new Promise(resolve => setImmediate(resolve))
    try {
      const inner = walk.stepSync(place, name)
      await collect(walk, inner, `${prefix}${name}/`, depth + 1, found).finally(() => leave(inner))
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) throw error
    }
  }
}

/** All files whose names and directories' names have no dot in front, from the one with the earliest mtime. */
export async function* entriesByAge(walk: Walk, root: Place): AsyncGenerator<StoredEntry> {
  const found: TimedEntry[] = []
  try {
    await collect(walk, root, '', 1, found)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  found.sort((a, b) => a.mtimeMs - b.mtimeMs)
  for (const { name, size } of found) yield { name, size }
}
