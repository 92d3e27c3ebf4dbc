// Trees for tests of WASI, all made here: one content in every form that a tree can have, and the mounts of them. Not here: calls.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildImage, MemoryStore, type Mount, mountSync, TreeBuilder } from '../../src/node.js'

/** Seconds: before 1970, and as late as ext4 goes. */
export const BEFORE_1970 = { seconds: -86_400 * 365, nsec: 123_456_789 }
export const YEAR_2446 = { seconds: 15_032_385_535, nsec: 999_999_999 }
export const BIG = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff)
export const LINKS = 45

/** Directories, files small and large, links of every shape, a FIFO, devices, times. */
export function awkwardTree(): TreeBuilder {
  const tree = new TreeBuilder({ mtime: 1_700_000_000 })
  tree.addDirectory('/dir', { mode: 0o755, mtime: { seconds: 1_600_000_000, nsec: 1 } })
  tree.addDirectory('/dir/sub')
  tree.addFile('/dir/sub/deep', 'deep\n')
  tree.addFile('/dir/file', 'inside\n')
  tree.addDirectory('/empty')
  tree.addFile('/small', 'small text\n', { mode: 0o755, mtime: { seconds: 1_234_567_890, nsec: 987_654_321 } })
  tree.addFile('/big', BIG)
  tree.addFile('/nothing')
  tree.addFile('/old', 'old', { mtime: BEFORE_1970 })
  tree.addFile('/late', 'late', { mtime: YEAR_2446 })
  tree.addHardLink('/small-too', '/small')
  tree.addFile('/ünï', 'name of more bytes than letters')
  tree.addFile(`/${'n'.repeat(255)}`, 'long name')
  tree.addSymlink('/to-file', 'small')
  tree.addSymlink('/to-dir', 'dir')
  tree.addSymlink('/absolute', '/dir/file')
  tree.addSymlink('/dangling', 'nowhere')
  tree.addSymlink('/dangling-deep', 'nowhere/at/all')
  tree.addSymlink('/self', 'self')
  tree.addSymlink('/file-slash', 'small/')
  tree.addSymlink('/dir/up', '../small')
  tree.addSymlink('/dir/above', '../../../small')
  tree.addSymlink('/dir/root', '/')
  for (let i = 0; i < LINKS; i++) tree.addSymlink(`/chain-${i}`, i === 0 ? 'small' : `chain-${i - 1}`)
  tree.addFifo('/fifo')
  tree.addDevice('/null', { type: 'character', major: 1, minor: 3 })
  tree.addDevice('/disk', { type: 'block', major: 8, minor: 0 })
  tree.addSocket('/socket')
  return tree
}

/** What takes all that is made in a test, and takes it down with the process. */
export class Worlds {
  readonly store = new MemoryStore()
  readonly #image: Uint8Array
  readonly #cfs: Uint8Array
  readonly #base = mkdtempSync(join(tmpdir(), 'composefs-wasi-'))
  #next = 0

  private constructor(image: Uint8Array, cfs: Uint8Array, store: MemoryStore) {
    this.#image = image
    this.#cfs = cfs
    this.store = store
    process.on('exit', () => rmSync(this.#base, { recursive: true, force: true }))
  }

  static async make(tree: () => TreeBuilder = awkwardTree): Promise<Worlds> {
    const store = new MemoryStore()
    const { image } = await buildImage(tree(), { store })
    const cfs = await buildImage(tree(), { store, format: 'cfs-v1' })
    return new Worlds(image, cfs.image, store)
  }

  get image(): Uint8Array {
    return this.#image.slice()
  }

  directory(): string {
    return join(this.#base, String(this.#next++))
  }

  readOnly(): Mount {
    return mountSync(this.image, { store: this.store })
  }

  writable(): Mount {
    return mountSync(this.image, { store: this.store, writable: true })
  }

  /** Changes that a directory keeps. */
  kept(directory = this.directory()): Mount {
    return mountSync(this.image, { store: this.store, upper: directory })
  }

  cfsV1(): Mount {
    return mountSync(this.#cfs.slice(), { store: this.store })
  }

  /** The same bytes without the header that makes it a composefs image: files that are objects show as holes then. */
  erofs(): Mount {
    const bytes = this.image
    bytes.fill(0, 0, 32)
    return mountSync(bytes, { store: this.store })
  }

  /** It under an image that adds to it. */
  async stack(options: { writable?: boolean } = {}): Promise<Mount> {
    const over = new TreeBuilder()
    over.addDirectory('/dir')
    over.addFile('/dir/over', 'over\n')
    over.addFile('/small', 'over it\n')
    const { image } = await buildImage(over, { store: this.store })
    return mountSync([image, this.image], { store: this.store, ...options })
  }
}
