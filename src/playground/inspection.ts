// What the worker says of an image's bytes: its map, the structures of an entry, and whether an object is what it should be. Plain
// values. Not here: what is shown of entries in lists (protocol.ts).

/** What lies in the metabox, whose data is compressed as a rule, has its place there behind this one. */
export const METABOX_FROM = 2 ** 52

/** A field of a structure. */
export interface ShownField {
  /** In the kernel's spelling. */
  readonly name: string
  /** Byte offset in the image, and bytes. */
  readonly offset: number
  readonly width: number
  /** For people: a number, hex digits, escaped text. */
  readonly value: string
  /** In words; '' where the value says all. */
  readonly meaning: string
}

/** A structure in the image. */
export interface ShownStructure {
  /** In words: "inode, compact". */
  readonly label: string
  /** As the map's kinds are named. */
  readonly kind: string
  /** Byte offset in the image, and bytes. */
  readonly start: number
  readonly length: number
  readonly fields: readonly ShownField[]
}

export interface ShownXattr {
  /** As it is stored, what is no printable ASCII as \xHH. */
  readonly name: string
  readonly value: Uint8Array
  readonly where: 'inline' | 'shared'
  /** Place of its entry in the image; undefined where it stands among others. */
  readonly offset: number | undefined
  readonly length: number
}

/** What an entry's bytes are checked by. */
export interface ObjectFacts {
  /** Name in a store. */
  readonly name: string
  /** fs-verity digest that the image gives, 64 hex digits; undefined where it gives none. */
  readonly digest: string | undefined
  /** For people: the store; undefined where none is open. */
  readonly store: string | undefined
}

/** How a check of an object ended. */
export interface CheckResult {
  readonly state: 'matches' | 'differs' | 'missing' | 'unknown'
  /** One plain sentence. */
  readonly text: string
  /** fs-verity digest of what is there. */
  readonly actual?: string
}

/** The numbers of an entry. */
export interface ShownNumbers {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes. */
  readonly size: number
  readonly nlink: number
  readonly rdev: number
  /** As fs shows it. */
  readonly ino: number
  readonly mtimeSec: number
  readonly mtimeNsec: number
  readonly ctimeSec: number
  readonly ctimeNsec: number
}

/** A part of a compressed file. */
export interface ShownExtent {
  /** Byte of the file that it begins with, and bytes of the file. */
  readonly at: number
  readonly length: number
  readonly place: 'image' | 'inline' | 'metabox' | 'packed' | 'hole'
  /** Byte there, and bytes that it takes. */
  readonly offset: number | undefined
  readonly stored: number
  /** In words: the algorithm. */
  readonly form: string | undefined
}

/** How compressed data is stored. */
export interface ShownCompression {
  /** In words. */
  readonly indexes: string
  /** Bytes. */
  readonly clusterSize: number | undefined
  readonly algorithms: readonly string[]
  /** Bytes of the file, of what it is stored in, and of the file in fragments. */
  readonly size: number
  readonly stored: number
  readonly fragments: number
  /** What it is stored in as a share of what that holds; undefined where all of it is fragments. */
  readonly ratio: number | undefined
  readonly extents: number
  /** The first of them. */
  readonly list: readonly ShownExtent[]
  /** There are more than were counted. */
  readonly more: boolean
}

/** How an entry is stored in the image. */
export interface StoredFacts {
  readonly nid: number
  /** Byte offset of the inode, and bytes of it alone and of its xattrs behind it. */
  readonly offset: number
  readonly inodeSize: number
  readonly xattrSize: number
  readonly form: string
  readonly layout: string
  /** i_ino; undefined in cfs v1. */
  readonly storedIno: number | undefined
  /** Bytes; undefined unless the data is in chunks. */
  readonly chunkSize: number | undefined
  readonly compression: ShownCompression | undefined
  readonly xattrs: readonly ShownXattr[]
  /** Escaped text; undefined where the data is not elsewhere. */
  readonly redirect: string | undefined
  readonly digest: string | undefined
  /** There is a trusted.overlay.metacopy. */
  readonly metacopy: boolean
  readonly structures: readonly ShownStructure[]
  /** The entry of the directory that it is in. */
  readonly dirent: ShownStructure | undefined
  /** What can't be read of it, in sentences. */
  readonly faults: readonly string[]
  /** Data has more pieces than are given. */
  readonly more: boolean
}

export interface Inspection {
  /** Path text. */
  readonly path: string
  readonly numbers: ShownNumbers
  /** Path text that a symlink leads to. */
  readonly target: string | undefined
  /** undefined where it is in no image: it was added here. */
  readonly stored: StoredFacts | undefined
  /** What is shown is no longer what is stored. */
  readonly changed: boolean
  /** undefined where the bytes are in the image itself, or there are none. */
  readonly object: ObjectFacts | undefined
  readonly checked: CheckResult | undefined
  /** Bytes are shown only if they match their digest. */
  readonly checkedOnRead: boolean
}

/** A part of the image file. */
export interface ShownRange {
  /** Which of the map's ranges. */
  readonly index: number
  /** Byte offsets; `end` is behind the last byte. */
  readonly start: number
  readonly end: number
  readonly kind: string
  readonly label: string
  readonly nid: number | undefined
  /** Path text of the inode that it belongs to; undefined where there is none or it has no name. */
  readonly path: string | undefined
}

/** Squares of a picture of the image. */
export interface Squares {
  /** Byte offset of the first. */
  readonly from: number
  /** Bytes of a square. */
  readonly unit: number
  readonly count: number
  /** Of a square. */
  readonly stripes: number
}

/** What is at a byte of the image. */
export interface PlaceFacts {
  readonly range: ShownRange | undefined
  /** Others that say that the byte is theirs, in words. */
  readonly also: readonly string[]
  /** Structures in the cell that was asked about. */
  readonly ranges: number
}

/** What a byte of the image is part of. */
export interface StructurePlace {
  readonly structure: ShownStructure | undefined
  readonly nid: number | undefined
  readonly path: string | undefined
}

export interface KindSum {
  readonly kind: string
  readonly label: string
  readonly ranges: number
  readonly bytes: number
}

export interface MapSummary {
  /** Bytes of the image file. */
  readonly size: number
  readonly blockSize: number
  readonly ranges: number
  readonly inodes: number
  /** Claims that others have bytes of. */
  readonly overlaps: number
  readonly kinds: readonly KindSum[]
  /** Names of all kinds, by the number that cells have. */
  readonly kindNames: readonly string[]
  /** What could not be read, in sentences; a hundred at most. */
  readonly faults: readonly string[]
  readonly faultCount: number
}

/** Which blocks of a lazy image are here. */
export interface Presence {
  /** Bytes of a page. */
  readonly pageSize: number
  /** A page each: 1 where it is here. */
  readonly pages: Uint8Array
  readonly here: number
}
