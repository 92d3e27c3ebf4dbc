// What notices that a byte of an image is another: its digest, the checks of its structure, or nothing, and then what the image says
// now. Not here: objects (tamper-object.ts).

import { openImage } from '../../any-host.js'
import { type Fault, faultError } from '../../format/errno.js'
import type { Sha256 } from '../../format/hash.js'
import { toHex } from '../../format/hex.js'
import { VerityHasher } from '../../format/verity.js'
import type { EntryChange } from '../../image/entry-diff.js'
import type { Image } from '../../image/image.js'
import { DiffSide, imageDiff } from '../../image/image-diff.js'
import { ImageCheck } from '../../overlay/image-check.js'
import { pathText, shownText } from '../path-text.js'
import type { Defence } from '../reports.js'
import { CANCELLED, type Job } from './jobs.js'
import type { OpenDocument } from './open-document.js'

/** Differences that are told of one by one. */
const TOLD_MAX = 4
const SLICE = 1 << 20

interface Asked {
  readonly document: OpenDocument
  /** The image as it is. */
  readonly whole: Image
  /** The copy. */
  readonly bytes: Uint8Array
  readonly sha256: Sha256
  readonly job: Job
}

async function digestOf(bytes: () => Uint8Array, size: number, { sha256, job }: Asked): Promise<string> {
  const hasher = new VerityHasher(sha256)
  for (let at = 0; at < size; at += SLICE) {
    hasher.update(bytes().subarray(at, at + SLICE))
    await job.pause(at)
  }
  return toHex(hasher.digest())
}

export async function imageDefences(
  asked: Asked,
): Promise<{ readonly defences: readonly Defence[]; readonly closed?: string }> {
  const { document, whole, bytes } = asked
  const given = document.parts.digest?.toLowerCase()
  const expected = given ?? (await digestOf(() => whole.core.bytes(), bytes.length, asked))
  const actual = await digestOf(() => bytes, bytes.length, asked)
  const digest: Defence = {
    name: 'Digest of the image',
    about:
      'Whoever mounts the image says which fs-verity digest it must have (mount option digest=). One number seals all of the metadata.',
    outcome: expected === actual ? 'passed' : 'noticed',
    text:
      expected === actual
        ? 'The digest is the same.'
        : 'Another digest: the image is refused before anything in it is read.',
    expected,
    actual,
  }
  let copy: Image
  try {
    copy = await openImage(bytes)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const structure: Defence = { ...STRUCTURE, outcome: 'noticed', text: `It does not even open: ${why}` }
    return { defences: [digest, structure, notAsked('There is no tree to compare.')], closed: why }
  }
  try {
    const problems = await problemsOf(copy, asked.job)
    const structure: Defence =
      problems.length === 0
        ? {
            ...STRUCTURE,
            outcome: 'passed',
            text: 'Every structure is still sound: what was changed is a value, or padding.',
          }
        : {
            ...STRUCTURE,
            outcome: 'noticed',
            text: `${counted(problems.length, 'problem')}: ${problems.slice(0, TOLD_MAX).join('; ')}`,
          }
    const tree = problems.length > 0 ? notAsked('The structure is broken already.') : await compare(asked, copy)
    return { defences: [digest, structure, tree] }
  } finally {
    copy.close()
  }
}

const STRUCTURE = {
  name: 'Checks of the structure',
  about:
    'Without a digest, each structure is checked as it is read: bounds, types, names, sums. They keep the reader safe, but can’t tell a wrong value from a right one.',
} as const

const TREE = {
  name: 'What the image says now',
  about: 'Neither digest nor structure stopped it: compared with the original, entry by entry.',
} as const

function notAsked(text: string): Defence {
  return { ...TREE, outcome: 'not asked', text }
}

function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}

async function problemsOf(image: Image, job: Job): Promise<string[]> {
  const problems: string[] = []
  const check = new ImageCheck(image, (path, why) =>
    problems.push(`${shownText(path)}: ${why.detail === '' ? why.code : why.detail}`),
  )
  try {
    for (const _ of check.run()) await job.pause(check.entries)
  } catch (error) {
    if (!(error instanceof Error) || error.name === CANCELLED) throw error
    problems.push(error.message)
  }
  return problems
}

/** What differs between the original and the copy, in words. */
async function compare({ whole, sha256, job }: Asked, copy: Image): Promise<Defence> {
  if (whole.treeView === undefined) return notAsked('An EROFS image without the composefs header is not compared.')
  if (copy.treeView === undefined) {
    const text =
      'It is no composefs image any more: it would be mounted as plain EROFS, in which files with their bytes in objects read as zeros.'
    return { ...TREE, outcome: 'passed', text }
  }
  const said: string[] = []
  let count = 0
  const say = (path: Uint8Array, what: string) => {
    if (++count <= TOLD_MAX) said.push(`${shownText(pathText(path))} ${what}`)
  }
  const failed = (fault: Fault) => faultError(fault, 'compare')
  const listener = {
    added: (entry: { path: Uint8Array; pathLength: number }) => say(entry.path.slice(0, entry.pathLength), 'appears'),
    removed: (entry: { path: Uint8Array; pathLength: number }) => say(entry.path.slice(0, entry.pathLength), 'is gone'),
    changed: (entry: { path: Uint8Array; pathLength: number }, changes: readonly EntryChange[]) =>
      say(
        entry.path.slice(0, entry.pathLength),
        changes.map(({ what, from, to }) => `${what} ${short(from)} → ${short(to)}`).join(', '),
      ),
  }
  try {
    const steps = imageDiff(new DiffSide(whole, failed), new DiffSide(copy, failed), listener, sha256)
    for (const _ of steps) await job.pause(0)
  } catch (error) {
    if (!(error instanceof Error) || error.name === CANCELLED) throw error
    return { ...TREE, outcome: 'noticed', text: `It can’t be read to its end: ${error.message}` }
  }
  if (count === 0)
    return { ...TREE, outcome: 'noticed', text: 'Nothing: the byte is one that no entry uses. Only the digest tells.' }
  const more = count > TOLD_MAX ? `, and ${count - TOLD_MAX} more` : ''
  return {
    ...TREE,
    outcome: 'passed',
    text: `${counted(count, 'entry').replace('entrys', 'entries')} would lie unnoticed: ${said.join('; ')}${more}`,
  }
}

function short(text: string): string {
  return text.length > 20 ? `${text.slice(0, 12)}…` : text
}
