// What every entry exports beside its functions.

export type { Host, ImageSource, MountOptions } from './api.js'
export { Fault, Miss } from './format/errno.js'
export type { Sha256 } from './format/hash.js'
export type { Image, ImageOptions } from './image/image.js'
export type { Batch, ScannedEntry } from './image/scan.js'
export type { Mount } from './mount.js'
export type { Attr, DirList, Layer, OpenFile } from './overlay/layer.js'
export { MemoryStore } from './store/memory.js'
export type { ObjectInfo, ObjectStore, StoredObject } from './store/object-store.js'
export type { HostParts, IdMap, VfsEnv } from './vfs/env.js'
export type { MountedFs } from './vfs/mounted-fs.js'
