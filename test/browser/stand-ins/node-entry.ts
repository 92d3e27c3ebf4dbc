// The package's entry for browsers, with what src/node.ts has beyond it and tests use: opening and mounting at once, which
// a worker could do, too, if it had the module. Directories are not to be had.
import { Readable, Writable } from 'readable-stream'
import type { MountOptions, MountSource } from '../../../src/api.js'
import { Api } from '../../../src/api.js'
import type { Image } from '../../../src/image/image.js'
import type { Mount } from '../../../src/mount.js'
import type { ImageSource, OpenOptions } from '../../../src/open-options.js'
import { Remote } from '../../../src/remote.js'
import { bytesSource } from '../../../src/source/bytes-source.js'
import { imageBytes } from '../../../src/source/image-bytes.js'
import { MemoryStore } from '../../../src/store/memory.js'
import { wasmSha256 } from '../../../src/store/wasm-sha256.js'
import { compileSync } from '../../../wasm/core.js'
import { CORE_BASE64 } from '../../../wasm/core-bytes.js'
import { FULL_CORE_BASE64 } from '../../../wasm/full-core-bytes.js'
import { PAGED_CORE_BASE64 } from '../../../wasm/paged-core-bytes.js'
import { sha512 } from './crypto.js'
import { readdirSync, readFileSync } from './files.js'

export * from '../../../src/index.js'

const compiled = (base64: string) => compileSync(Uint8Array.from(atob(base64), c => c.charCodeAt(0)))

const remote = new Remote()
const fileOf = (source: string): Uint8Array => readFileSync(source) as Uint8Array

const api = new Api({
  sha256: await wasmSha256(),
  sha512: async () => sha512,
  module: compiled(CORE_BASE64),
  fullModule: async () => compiled(FULL_CORE_BASE64),
  fullModuleSync: () => compiled(FULL_CORE_BASE64),
  pagedModule: async () => compiled(PAGED_CORE_BASE64),
  pagedModuleSync: () => compiled(PAGED_CORE_BASE64),
  open: (source, maxBytes) => remote.image(source, maxBytes),
  openSync: source => imageBytes(fileOf(source)),
  source: (source, head) => remote.source(source, head),
  sourceSync: source => bytesSource(fileOf(source)),
  store: source => (source.startsWith('/') ? new DirectoryStore(source) : remote.store(source)),
  uid: () => 0,
  gid: () => 0,
  umask: () => 0o022,
})

export const openImageSync = (source: ImageSource, options?: OpenOptions): Image => api.openImageSync(source, options)

/** What a browser has none of, as its users bring it. */
const parts = { Readable, Writable }

export const mountSync = (source: MountSource | readonly MountSource[], options?: MountOptions): Mount =>
  api.mountSync(source, { parts, ...options })
export const mount = (source: MountSource | readonly MountSource[], options?: MountOptions): Promise<Mount> =>
  api.mount(source, { parts, ...options })

/** A folder of the fixtures, brought whole. */
export class DirectoryStore extends MemoryStore {
  constructor(path: string) {
    const names = readdirSync(path).flatMap(dir => readdirSync(`${path}/${dir}`).map(name => `${dir}/${name}`))
    super(names.map(name => [name, fileOf(`${path}/${name}`)]))
  }
}
