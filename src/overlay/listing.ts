// Listings of merged directories: parts in order, each name once, whiteouts and what they hide left out. Not here: which parts
// a directory has. Follows fs/overlayfs/readdir.c; spec overlayfs.md 4, 2.1.

import { pathText, utf8Binary } from '../format/call-path.js'
import { Fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes, binaryString } from '../format/xattr-name.js'
import type { DirList } from './layer.js'
import type { LowerPart } from './lower.js'
import type { UpperInode } from './upper-inode.js'

const { S_IFMT, S_IFCHR, S_IFREG } = CONSTANTS
const DT_CHR = S_IFCHR >> 12
const DT_REG = S_IFREG >> 12

/** Names of a directory with the types of their entries, as DT_*. */
export type Names = Map<string, number>

/** The entries of an upper directory; whiteouts too where nothing is merged with it, as the kernel reads such a one. */
export function namesOf(dir: UpperInode, whiteouts: boolean): Names {
  const names: Names = new Map()
  for (const [name, entry] of dir.children ?? []) {
    if (entry !== null) names.set(name, (entry.mode & S_IFMT) >>> 12)
    else if (whiteouts) names.set(name, DT_CHR)
  }
  return names
}

const INVALID = '\ufffd'

/** As a Layer answers: in byte order. */
export function fullList(names: Names): DirList {
  const sorted = Array.from(names.keys()).sort()
  const shown = sorted.map(pathText)
  let raw: Map<number, Uint8Array> | null = null
  shown.forEach((name, index) => {
    if (!name.includes(INVALID)) return
    const bytes = binaryBytes(sorted[index])
    if (utf8Binary(name) === sorted[index]) return
    raw ??= new Map()
    raw.set(index, bytes)
  })
  return { names: shown, types: sorted.map(name => names.get(name) as number), raw }
}

/** The name at an index of a list, a character a byte. */
export function binaryName(list: DirList, index: number): string {
  const raw = list.raw?.get(index)
  if (raw !== undefined) return binaryString(raw)
  return utf8Binary(list.names[index])
}

/** Whether a listed entry of a layer is a whiteout there; attribute whiteouts only count where the directory says so. */
function isHidden({ lower, node }: LowerPart, name: string, type: number, marked: boolean): Outcome<boolean> {
  if (type !== DT_CHR && !(type === DT_REG && marked)) return false
  const found = lower.find(node, name)
  if (found === undefined || found instanceof Fault) return found ?? false
  return lower.isWhiteout(found)
}

/** The merged listing of an upper directory, if there is one, and lower ones below it. */
export function mergedList(upper: UpperInode | undefined, parts: readonly LowerPart[]): Outcome<DirList> {
  const names: Names = upper === undefined ? new Map() : namesOf(upper, false)
  const hidden = new Set<string>()
  for (const [name, entry] of upper?.children ?? []) if (entry === null) hidden.add(name)
  for (const part of parts) {
    const { lower, node } = part
    const list = lower.layer.readdir(node)
    if (list instanceof Fault) return list
    const isBottom = lower.index === lower.count - 1
    const opaque = isBottom ? '' : lower.opaque(node)
    if (opaque instanceof Fault) return opaque
    const count = list.names.length
    for (let i = 0; i < count; i++) {
      const name = binaryName(list, i)
      if (names.has(name) || hidden.has(name)) continue
      const type = list.types[i]
      const hides = isHidden(part, name, type, opaque === 'x')
      if (hides instanceof Fault) return hides
      if (hides) hidden.add(name)
      else names.set(name, type)
    }
  }
  return fullList(names)
}
