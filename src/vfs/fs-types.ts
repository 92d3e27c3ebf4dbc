// The type of a mount's `fs`: Node's, glob, and the extended attributes beyond it. Types only.

import type * as NodeFs from 'node:fs'
import type { FsApi } from '@jsonjoy.com/fs-node-utils'
import type { FileHandle } from './file-handle.js'

type XattrNames = string[] | Uint8Array[]
type XattrDone<T> = (error: Error | null, value?: T) => void
interface XattrOptions {
  /** Whether a link at the end of the path is followed; true unless given. */
  follow?: boolean
  encoding?: string
  flags?: number
}

/** What a mount's `fs` has beyond Node's. */
export interface XattrApi {
  listxattrSync(path: string | Uint8Array, options?: XattrOptions): XattrNames
  getxattrSync(path: string | Uint8Array, name: string | Uint8Array, options?: XattrOptions): Uint8Array
  setxattrSync(
    path: string | Uint8Array,
    name: string | Uint8Array,
    value: string | Uint8Array,
    options?: XattrOptions,
  ): void
  removexattrSync(path: string | Uint8Array, name: string | Uint8Array, options?: XattrOptions): void
  listxattr(path: string | Uint8Array, ...rest: [XattrOptions, XattrDone<XattrNames>] | [XattrDone<XattrNames>]): void
  getxattr(
    path: string | Uint8Array,
    name: string | Uint8Array,
    ...rest: [XattrOptions, XattrDone<Uint8Array>] | [XattrDone<Uint8Array>]
  ): void
}

export interface XattrPromises {
  listxattr(path: string | Uint8Array, options?: XattrOptions): Promise<XattrNames>
  getxattr(path: string | Uint8Array, name: string | Uint8Array, options?: XattrOptions): Promise<Uint8Array>
  setxattr(
    path: string | Uint8Array,
    name: string | Uint8Array,
    value: string | Uint8Array,
    options?: XattrOptions,
  ): Promise<void>
  removexattr(path: string | Uint8Array, name: string | Uint8Array, options?: XattrOptions): Promise<void>
}

/**
 * A mount's `fs`: Node's own type, so that it goes wherever Node's `fs` goes, and what is beyond it. Calls work detached;
 * see README for what a read-only mount answers.
 */
export type MountedFs = Omit<typeof NodeFs, 'promises'> &
  XattrApi &
  Pick<FsApi, 'glob' | 'globSync'> & {
    readonly promises: (typeof NodeFs)['promises'] & XattrPromises
    readonly FileHandle: typeof FileHandle
  }
