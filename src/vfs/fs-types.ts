// The type of a mount's `fs`: memfs's (which is Node's) and the extended attributes beyond it. Types only.

import type { FsApi } from '@jsonjoy.com/fs-node-utils/lib/types'
import type { constants } from './constants.js'
import type { Dir } from './dir.js'
import type { Dirent } from './dirent.js'
import type { FileHandle, StreamClasses } from './file-handle.js'
import type { BigIntStats, StatFs, Stats } from './stats.js'
import type { FSWatcher, StatWatcher } from './watch.js'

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

/** A mount's `fs`: memfs's and Node's surface. Calls work detached; see README for what a read-only mount answers. */
export type MountedFs = Omit<FsApi, 'promises'> &
  XattrApi & {
    readonly promises: FsApi['promises'] & XattrPromises
    readonly constants: typeof constants
    readonly F_OK: 0
    readonly R_OK: 4
    readonly W_OK: 2
    readonly X_OK: 1
    readonly Stats: typeof Stats
    readonly BigIntStats: typeof BigIntStats
    readonly StatFs: typeof StatFs
    readonly Dirent: typeof Dirent
    readonly Dir: typeof Dir
    readonly FileHandle: typeof FileHandle
    readonly FSWatcher: typeof FSWatcher
    readonly StatWatcher: typeof StatWatcher
    readonly ReadStream: StreamClasses['ReadStream']
    readonly WriteStream: StreamClasses['WriteStream']
  }
