// cfs v1 images made from a small model, for tests only: section 2 of the spec, node by node. What it writes is held to the
// spec's own vectors by their SHA-256 (test/image/cfs-v1.test.ts), so it can stand as an oracle for the reader.
import {
  CFS_V1_DIR_HEADER,
  CFS_V1_DIRENT,
  CFS_V1_INODE,
  CFS_V1_REFERENCE,
  CFS_V1_SUPERBLOCK,
  CFS_V1_XATTR,
  CFS_V1_XATTR_HEADER,
} from '../../src/format/cfs-v1-structs.js'
import { CONSTANTS, type Field, type Struct } from '../../src/format/structs.js'

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK } = CONSTANTS

/** Seconds and nanoseconds. */
export type CfsTime = readonly [bigint, number]

/** An inode; under two names it is a hard link. */
export interface CfsNode {
  /** Type and permissions. */
  mode: number
  uid: number
  gid: number
  rdev: number
  size: number
  mtime: CfsTime
  ctime: CfsTime
  /** Backing path or target. */
  payload?: Buffer
  /** 32 bytes. */
  digest?: Buffer
  xattrs: [Buffer, Buffer][]
  /** A directory's; names as bytes. */
  children: [Buffer, CfsNode][]
}

/** Where things stand in the file, in bytes. */
export interface CfsLayout {
  readonly bytes: Buffer
  /** Nodes in the order of their numbers. */
  readonly nodes: readonly CfsNode[]
  readonly nlinks: readonly number[]
  inodeAt(node: CfsNode): number
  readonly vdata: number
}

function part(name: 'variable_data' | 'xattrs' | 'digest', of: 'offset' | 'length'): Field {
  const { offset, width } = CFS_V1_REFERENCE.fields[of]
  return { offset: CFS_V1_INODE.fields[name].offset + offset, width }
}

/** An inode with the parts of its references as fields, too. */
export const INODE = {
  ...CFS_V1_INODE,
  fields: {
    ...CFS_V1_INODE.fields,
    variable_data_offset: part('variable_data', 'offset'),
    variable_data_length: part('variable_data', 'length'),
    xattrs_offset: part('xattrs', 'offset'),
    xattrs_length: part('xattrs', 'length'),
    digest_offset: part('digest', 'offset'),
    digest_length: part('digest', 'length'),
  },
}

export function cfsNode(mode: number, fields: Partial<CfsNode> = {}): CfsNode {
  const none = { uid: 0, gid: 0, rdev: 0, size: 0, mtime: [1n, 2] as CfsTime, ctime: [3n, 4] as CfsTime }
  return { ...none, xattrs: [], children: [], mode, ...fields }
}

export function isDirectory({ mode }: CfsNode): boolean {
  return (mode & S_IFMT) === S_IFDIR
}

/** Writes a field of the struct at an offset; a signed or unsigned number of up to 64 bits. */
export function putField(bytes: Uint8Array, at: number, { offset, width }: Field, value: number | bigint): void {
  let rest = BigInt.asUintN(64, BigInt(value))
  for (let i = 0; i < width; i++, rest >>= 8n) bytes[at + offset + i] = Number(rest & 0xffn)
}

/** A struct with some of its fields. */
function structure<F extends string>(
  struct: Struct & { fields: Record<F, Field> },
  values: Record<string, number | bigint>,
) {
  const out = Buffer.alloc(struct.size)
  for (const [name, value] of Object.entries(values)) putField(out, 0, struct.fields[name as F], value)
  return out
}

function sorted<T>(list: readonly [Buffer, T][]): [Buffer, T][] {
  return [...list].sort(([a], [b]) => Buffer.compare(a, b))
}

/** Directories first numbered, then their children in order; a node that has a number keeps it. */
function number(root: CfsNode): Map<CfsNode, number> {
  const numbers = new Map([[root, 0]])
  for (const node of numbers.keys()) {
    for (const [, child] of sorted(node.children)) if (!numbers.has(child)) numbers.set(child, numbers.size)
  }
  return numbers
}

class VariableData {
  readonly parts: Buffer[] = []
  length = 0
  readonly #known = new Map<string, number>()

  append(data: Buffer, dedup: boolean, align: boolean): [number, number] {
    const key = data.toString('latin1')
    const known = this.#known.get(key)
    if (dedup && known !== undefined) return [known, data.length]
    if (align) this.#push(Buffer.alloc(-this.length & 3))
    const at = this.length
    if (known === undefined) this.#known.set(key, at)
    this.#push(data)
    return [at, data.length]
  }

  #push(data: Buffer): void {
    this.parts.push(data)
    this.length += data.length
  }
}

function direntChunk(node: CfsNode, numbers: ReadonlyMap<CfsNode, number>): Buffer {
  const children = sorted(node.children)
  let name_offset = 0
  const entries = children.map(([name, child]) => {
    const d_type = (child.mode & S_IFMT) >>> 12
    const fields = { inode_num: numbers.get(child) ?? -1, name_offset, name_len: name.length, d_type }
    name_offset += name.length
    return structure(CFS_V1_DIRENT, fields)
  })
  return Buffer.concat([
    structure(CFS_V1_DIR_HEADER, { n_dirents: children.length }),
    ...entries,
    ...children.map(([name]) => name),
  ])
}

function xattrChunk({ xattrs }: CfsNode): Buffer {
  const list = sorted(xattrs)
  const lengths = ([key, value]: [Buffer, Buffer]) => ({ key_length: key.length, value_length: value.length })
  return Buffer.concat([
    structure(CFS_V1_XATTR_HEADER, { n_attr: list.length }),
    ...list.map(one => structure(CFS_V1_XATTR, lengths(one))),
    ...list.flat(),
  ])
}

function countLinks(nodes: readonly CfsNode[]): Map<CfsNode, number> {
  const links = new Map<CfsNode, number>()
  for (const node of nodes) {
    for (const [, child] of node.children) links.set(child, (links.get(child) ?? 0) + 1)
  }
  for (const node of nodes.filter(isDirectory)) {
    links.set(node, 2 + node.children.filter(([, child]) => isDirectory(child)).length)
  }
  return links
}

export function encodeCfs(root: CfsNode): CfsLayout {
  const numbers = number(root)
  const nodes = [...numbers.keys()]
  const links = countLinks(nodes)
  const data = new VariableData()
  const references = nodes.map(node => {
    const found: Record<string, number> = {}
    const refer = (name: string, [offset, length]: [number, number]) =>
      Object.assign(found, { [`${name}_offset`]: offset, [`${name}_length`]: length })
    const type = node.mode & S_IFMT
    const { payload, digest } = node
    if (type === S_IFDIR && node.children.length > 0)
      refer('variable_data', data.append(direntChunk(node, numbers), false, true))
    if (payload?.length && (type === S_IFLNK || (type === S_IFREG && node.size !== 0)))
      refer('variable_data', data.append(payload, true, false))
    if (digest !== undefined) refer('digest', data.append(digest, true, false))
    return { found, refer }
  })
  nodes.forEach((node, i) => {
    if (node.xattrs.length > 0) references[i].refer('xattrs', data.append(xattrChunk(node), true, true))
  })
  const vdata = CFS_V1_SUPERBLOCK.size + CFS_V1_INODE.size * nodes.length
  const head = { version: CONSTANTS.CFS_V1_VERSION, magic: CONSTANTS.CFS_V1_MAGIC, vdata_offset: vdata }
  const inodes = nodes.map((node, i) =>
    structure(INODE, {
      st_mode: node.mode,
      st_nlink: links.get(node) ?? 1,
      st_uid: node.uid,
      st_gid: node.gid,
      st_rdev: node.rdev,
      st_size: node.size,
      st_mtim_sec: node.mtime[0],
      st_mtim_nsec: node.mtime[1],
      st_ctim_sec: node.ctime[0],
      st_ctim_nsec: node.ctime[1],
      ...references[i].found,
    }),
  )
  return {
    bytes: Buffer.concat([structure(CFS_V1_SUPERBLOCK, head), ...inodes, ...data.parts]),
    nodes,
    nlinks: nodes.map(node => links.get(node) ?? 1),
    inodeAt: node => CFS_V1_SUPERBLOCK.size + CFS_V1_INODE.size * (numbers.get(node) ?? Number.NaN),
    vdata,
  }
}
