// What goes wrong when a tree is read from a file system: which call, on which path, why. Not here: how a command words it.

import { pathText } from '../format/call-path.js'
import { type ErrnoName, errnoText, isErrnoName } from '../format/errno.js'
import { TreeError } from './tree-error.js'

/** A TreeError whose message is `call: path: why`. */
export class SourceError extends TreeError {
  readonly path: string

  constructor(
    code: ErrnoName,
    readonly call: string,
    /** A character a byte. */
    path: string,
    why: string = errnoText(code),
    cause?: unknown,
  ) {
    const text = pathText(path)
    super(code, `${call}: ${text}: ${why}`, cause === undefined ? {} : { cause })
    this.path = text
  }
}

/** What a call threw, as a SourceError where it has an errno; an error of another kind is itself. */
export function sourceError(error: unknown, call: string, path: string): unknown {
  if (error instanceof SourceError || !(error instanceof Error)) return error
  if (error instanceof TreeError) return new SourceError(error.code, call, path, error.why, error)
  if (!('code' in error)) return error
  const code = error.code
  // Node's message has the path that was asked for, which may lead through a descriptor.
  if (isErrnoName(code)) return new SourceError(code, call, path, undefined, error)
  return 'syscall' in error ? new SourceError('EIO', call, path, String(code), error) : error
}
