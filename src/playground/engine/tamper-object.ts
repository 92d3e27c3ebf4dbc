// What notices that a byte of an object, or of the Merkle tree beside it, is another: the object is read through a mount, with its
// digest checked and without. Not here: images (tamper-image.ts).

import { mount } from '../../any-host.js'
import { Fault } from '../../format/errno.js'
import type { Sha256 } from '../../format/hash.js'
import { toHex } from '../../format/hex.js'
import { IntegrityError } from '../../format/integrity.js'
import { MerkleTree } from '../../format/merkle-tree.js'
import { VerityHasher } from '../../format/verity.js'
import type { Verity } from '../../overlay/image-layer.js'
import type { OpenFile } from '../../overlay/layer.js'
import { answered } from '../../overlay/waiting.js'
import type { ObjectStore } from '../../store/object-store.js'
import { pathArgument } from '../path-text.js'
import type { Defence } from '../reports.js'
import type { OpenDocument } from './open-document.js'
import type { Flip, TamperStore } from './tamper-store.js'

const PIECE = 1 << 20
const BLOCK = 4096

export interface ObjectAsked {
  readonly document: OpenDocument
  readonly store: ObjectStore
  readonly tampered: TamperStore
  readonly object: string
  readonly path: string
  readonly size: number
  readonly flip: Flip
  readonly sha256: Sha256
}

const IMAGE_DIGEST: Defence = {
  name: 'Digest of the image',
  about: 'The image holds the digest of each object, and its own digest seals these.',
  outcome: 'passed',
  text: 'The image is untouched, so its digest is the same: this line guards metadata, not objects.',
}

/** Reads the block of a file in which a byte is. */
async function readBlock(
  { document, tampered, path }: ObjectAsked,
  verity: Verity,
  offset: number,
): Promise<Uint8Array | Fault> {
  const mounted = await mount(document.image, { store: tampered, verity })
  let file: OpenFile | undefined
  try {
    const { layer } = mounted
    const node = await answered(() => layer.resolve(pathArgument(path), false))
    if (node instanceof Fault) return node
    const opened = await answered(() => layer.open(node, false))
    if (opened instanceof Fault) return opened
    file = opened
    const start = offset - (offset % BLOCK)
    const buffer = new Uint8Array(Math.min(BLOCK, opened.size - start))
    const n = await answered(() => opened.read(buffer, start, false))
    return n instanceof Fault ? n : buffer.subarray(0, n)
  } finally {
    file?.close()
    mounted.unmount()
  }
}

async function readAll(store: ObjectStore, name: string, take: (piece: Uint8Array) => void): Promise<void> {
  const object = await store.open(name)
  try {
    for (let at = 0; at < object.size; at += PIECE) take(await object.read(at, Math.min(PIECE, object.size - at)))
  } finally {
    object.close()
  }
}

async function digestIn(store: ObjectStore, name: string, sha256: Sha256): Promise<string> {
  const hasher = new VerityHasher(sha256)
  await readAll(store, name, piece => hasher.update(piece))
  return toHex(hasher.digest())
}

function refusal(fault: Fault): string {
  return fault.cause instanceof IntegrityError ? fault.cause.message : `${fault.detail} [${fault.code}]`
}

function byteText(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}

export async function objectDefences(asked: ObjectAsked): Promise<Defence[]> {
  const { store, tampered, object, flip, sha256 } = asked
  const expected = await digestIn(store, object, sha256)
  const actual = await digestIn(tampered, object, sha256)
  const on = await readBlock(asked, 'on', flip.offset)
  const off = await readBlock(asked, 'off', flip.offset)
  const at = flip.offset % BLOCK
  const checked: Defence = {
    name: 'Digest of the object, at the first read',
    about:
      'The image names the fs-verity digest of each object (overlay.metacopy). The first read hashes the object, or its block and the way up its Merkle tree, before anyone sees a byte: as the kernel does with verity=on.',
    outcome: on instanceof Fault ? 'noticed' : 'passed',
    text:
      on instanceof Fault
        ? `The read fails: ${refusal(on)}`
        : 'The read gives the changed byte: the image has no digest for this object.',
    expected,
    actual,
  }
  const unchecked: Defence = {
    name: 'The same read with verity off',
    about: 'Nobody looks at digests.',
    outcome: off instanceof Fault ? 'noticed' : 'passed',
    text:
      off instanceof Fault
        ? `The read fails: ${refusal(off)}`
        : `The read gives ${byteText(off[at])} where ${byteText(off[at] ^ flip.mask)} should be, and nobody notices.`,
  }
  return [IMAGE_DIGEST, checked, unchecked]
}

export async function treeDefences(asked: ObjectAsked): Promise<Defence[]> {
  const { store, tampered, object, size, flip, sha256 } = asked
  const expected = await digestIn(store, object, sha256)
  const pieces: Uint8Array[] = []
  await readAll(tampered, flip.name, piece => pieces.push(piece))
  const tree = new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer())
  const wrong = await treeFault(tree, asked, expected)
  const on = await readBlock(asked, 'on', 0)
  const right = await blockOf(store, object, size)
  const same = !(on instanceof Fault) && on.length === right.length && on.every((byte, i) => byte === right[i])
  return [
    IMAGE_DIGEST,
    {
      name: 'The Merkle tree, up to the digest',
      about:
        'The tree beside an object lets one block be checked alone. Each block of the tree is hashed by the one above, the top one by the object’s digest.',
      outcome: wrong === undefined ? 'passed' : 'noticed',
      text: wrong ?? 'The changed byte is one that no hash stands in: padding at the end of the tree.',
    },
    {
      name: 'Reading the file all the same',
      about: 'A tree is a help and no witness: where it is wrong, the object is hashed as a whole.',
      outcome: same ? 'noticed' : on instanceof Fault ? 'noticed' : 'passed',
      text:
        on instanceof Fault
          ? `The read fails: ${refusal(on)}`
          : same
            ? 'The read gives the right bytes: what was changed is not believed.'
            : 'The read gives other bytes.',
    },
  ]
}

async function blockOf(store: ObjectStore, name: string, size: number): Promise<Uint8Array> {
  const object = await store.open(name)
  try {
    return await object.read(0, Math.min(BLOCK, size))
  } finally {
    object.close()
  }
}

/** What is wrong with a tree; undefined where all blocks of the object lead to the digest. */
async function treeFault(
  tree: Uint8Array,
  { store, object, size, sha256 }: ObjectAsked,
  digest: string,
): Promise<string | undefined> {
  const expected = Uint8Array.from(digest.match(/../g) ?? [], byte => Number.parseInt(byte, 16))
  const opened = MerkleTree.open(tree, size, expected, sha256)
  if (opened instanceof Fault) return `The top of the tree is not that of the object. ${opened.detail}`
  let wrong = 0
  let index = 0
  await readAll(store, object, piece => {
    for (let at = 0; at < piece.length; at += BLOCK)
      if (!opened.checkBlock(index++, piece.subarray(at, at + BLOCK))) wrong++
  })
  return wrong === 0 ? undefined : `${wrong} of ${opened.blockCount} blocks of the object no longer lead to its digest.`
}
