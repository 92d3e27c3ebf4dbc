// glob, globSync and promises.glob. memfs's matcher, which takes any `fs`, does the work; the host brings it (the mount's
// parts, or memfs's own file found from here under Node), since it loads forty modules that no other call needs.
// Not here: matching.

import type { Core } from './core.js'
import { builtin } from './host.js'
import { lstatSync, readdirSync, statSync } from './hot.js'
import { realpath } from './stat-ops.js'
import { runSync } from './task.js'

/** What `@jsonjoy.com/fs-node/lib/glob` offers. */
export interface GlobPart {
  globSync(fs: object, pattern: unknown, options?: unknown): unknown[]
}

function globPart(core: Core): GlobPart {
  const given = core.env.parts?.glob
  if (given !== undefined) return given as GlobPart
  const createRequire = builtin('module')?.['createRequire'] as
    | ((from: string) => (name: string) => GlobPart)
    | undefined
  if (createRequire !== undefined) return createRequire(import.meta.url)('@jsonjoy.com/fs-node/lib/glob.js')
  const error = new Error("this host has no glob: give one in the mount's parts")
  throw Object.assign(error, { code: 'ERR_METHOD_NOT_IMPLEMENTED' })
}

/** Paths (or Dirents) that match; relative patterns start at `cwd`, which is `/` unless given. */
export function globSync(core: Core, pattern: unknown, options?: unknown): unknown[] {
  const fs = {
    readdirSync: readdirSync(core),
    statSync: statSync(core),
    lstatSync: lstatSync(core),
    realpathSync: (path: unknown) => runSync(realpath(core, [path])),
  }
  const from = { cwd: '/', ...(options as object | undefined) }
  return globPart(core).globSync(fs, pattern, from)
}

export async function* globPromise(core: Core, pattern: unknown, options?: unknown): AsyncGenerator<unknown> {
  yield* globSync(core, pattern, options)
}
