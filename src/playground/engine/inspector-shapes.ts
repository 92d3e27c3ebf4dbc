// Structures and facts of the anatomy as the page is given them: nothing but what can be copied, numbers as text. Not here: where
// they come from.

import type { Field, InodeFacts, InodeStructures, Structure } from '../../anatomy/anatomy.js'
import type { Fault } from '../../format/errno.js'
import type { ShownStructure, StoredFacts } from '../inspection.js'

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

export function storedFacts(
  facts: InodeFacts,
  { structures, more, fault }: InodeStructures,
  dirent: Structure | undefined,
): StoredFacts {
  const { nid, offset, inodeSize, xattrSize, form, layout, chunkSize, xattrs, redirect, digest } = facts
  const faults = [facts.xattrFault, facts.metacopyFault, facts.fault ?? fault].filter(one => one !== undefined)
  return {
    nid,
    offset,
    inodeSize,
    xattrSize,
    form,
    layout,
    storedIno: facts.ino,
    chunkSize,
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
