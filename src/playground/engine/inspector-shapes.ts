// Structures and facts of the anatomy as the page is given them: nothing but what can be copied, numbers as text. Not here: where
// they come from.

import {
  type CompressedFacts,
  type Field,
  type InodeFacts,
  type InodeStructures,
  ratioOf,
  type Structure,
} from '../../anatomy/anatomy.js'
import type { Fault } from '../../format/errno.js'
import type { ShownCompression, ShownStructure, StoredFacts } from '../inspection.js'

/** Extents that the page lists. */
const EXTENTS_MOST = 200
const METACOPY = 'trusted.overlay.metacopy'

function valueText(value: Field['value']): string {
  return String(value)
}

export function shownStructure({ name, kind, start, length, fields }: Structure): ShownStructure {
  return { label: name, kind, start, length, fields: fields.map(one => ({ ...one, value: valueText(one.value) })) }
}

function faultText({ code, detail }: Fault): string {
  return `${detail === '' ? 'A part of it can’t be read' : detail} [${code}]`
}

function shownCompression(facts: CompressedFacts): ShownCompression {
  const { fault: _, list, ...numbers } = facts
  return { ...numbers, ratio: ratioOf(facts), list: list.slice(0, EXTENTS_MOST) }
}

export function storedFacts(
  facts: InodeFacts,
  { structures, more, fault }: InodeStructures,
  dirent: Structure | undefined,
): StoredFacts {
  const { nid, offset, inodeSize, xattrSize, form, layout, chunkSize, xattrs, redirect, digest } = facts
  const faults = [facts.xattrFault, facts.metacopyFault, facts.fault ?? fault, facts.compressed?.fault].filter(
    one => one !== undefined,
  )
  return {
    nid,
    offset,
    inodeSize,
    xattrSize,
    form,
    layout,
    storedIno: facts.ino,
    chunkSize,
    compression: facts.compressed === undefined ? undefined : shownCompression(facts.compressed),
    xattrs: xattrs.map(({ name, value, where, offset: at, length }) => ({ name, value, where, offset: at, length })),
    redirect,
    digest,
    metacopy: xattrs.some(one => one.name === METACOPY),
    structures: structures.map(shownStructure),
    dirent: dirent === undefined ? undefined : shownStructure(dirent),
    faults: faults.map(faultText),
    more: more || facts.more,
  }
}
