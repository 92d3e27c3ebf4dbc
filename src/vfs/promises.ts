// fs.promises of a mount. Not here: the operations. Follows lib/internal/fs/promises.js of Node 20: a FileHandle stands
// for its descriptor where a file is read or written.

import { promiseCalls } from './calls.js'
import { type AnyFunction, checkBoolean, checkOptions } from './check.js'
import { constants } from './constants.js'
import type { Core } from './core.js'
import { FileHandle, isPieces, type StreamClasses, throwIfAborted } from './file-handle.js'
import * as files from './file-ops.js'
import { globPromise } from './glob.js'
import { runPromise } from './task.js'
import { watchPromise } from './watch.js'

const MAKERS = promiseCalls()
/** What takes a FileHandle in place of a path. */
const TAKES_HANDLE = ['appendFile', 'readFile', 'writeFile']

type Named = Record<string, AnyFunction>

function overHandle(name: string, call: AnyFunction): AnyFunction {
  return async (target, ...args) => {
    if (!(target instanceof FileHandle)) return call(target, ...args)
    return (target as unknown as Named)[name](...args)
  }
}

/** writeFile and appendFile of a path, with data that comes in pieces: through a handle. */
function inPieces(open: AnyFunction, flag: string, call: AnyFunction): AnyFunction {
  return async (path, data, options) => {
    if (!isPieces(data)) return call(path, data, options)
    const given = checkOptions(options)
    const flushes = checkBoolean(given['flush'] ?? false, 'options.flush')
    // Before the file is opened, and emptied.
    throwIfAborted(given['signal'])
    const handle = (await open(path, given['flag'] || flag, given['mode'] ?? 0o666)) as FileHandle
    try {
      await handle.writeFile(data, options)
      if (flushes) await handle.sync()
    } finally {
      await handle.close()
    }
    return undefined
  }
}

/** All calls of fs.promises; each works detached. */
export function promisesOf(core: Core, streams: () => StreamClasses): Record<string, unknown> {
  const open = async (...args: unknown[]) =>
    new FileHandle(core, streams, await runPromise(core, files.open(core, args)))
  const made: Record<string, unknown> = {
    constants,
    open,
    watch: (path: unknown, options?: unknown) => watchPromise(core, path, options),
    glob: (pattern: unknown, options?: unknown) => globPromise(core, pattern, options),
  }
  for (const [name, make] of MAKERS) {
    const flag = name === 'writeFile' ? 'w' : name === 'appendFile' ? 'a' : undefined
    const call = flag === undefined ? make(core) : inPieces(open, flag, make(core))
    made[name] = TAKES_HANDLE.includes(name) ? overHandle(name, call) : call
  }
  return made
}
