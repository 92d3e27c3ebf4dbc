// composefs diff: what differs between two images, entry by entry, and which objects they share. Both are walked at once in
// the order in which images list, so neither is held in memory. Not here: how an entry is compared (entry-diff.ts).

import { writeEscapedPath } from '../format/dump-text.js'
import { Fault } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import type { Image } from '../image/image.js'
import { TreeEntries } from '../image/tree-entries.js'
import { parseArguments } from './arguments.js'
import { type Change, entryChanges } from './entry-diff.js'
import { bytesJson, typeName } from './entry-json.js'
import { failure, wrongUsage } from './failure.js'
import { ImageFiles } from './open.js'
import { byteText } from './progress.js'
import { StandardOutput } from './standard-output.js'

export const DIFF_HELP = `Usage: composefs diff IMAGE IMAGE [--json] [--exit-code]

Lists what the second image adds (+), lacks (-) and has otherwise (~) than the first, then what objects they share.
IMAGEs may be http(s) and s3 URLs.

  --json        the result as an object
  --exit-code   exit status 1 when they differ
`

const OPTIONS = { json: { type: 'boolean' }, 'exit-code': { type: 'boolean' } } as const
const { S_IFMT, S_IFREG } = CONSTANTS
const SLASH = 0x2f

/** One side of the comparison: an image, and the entry of it that is next. */
class Side {
  readonly path: string
  readonly entries: TreeEntries
  readonly objects = new Map<string, number>()
  more = true

  constructor(path: string, image: Image) {
    this.path = path
    const entries = TreeEntries.open(image)
    if (entries instanceof Fault) throw failure('load', path, entries)
    this.entries = entries
    this.next()
  }

  next(): void {
    const { entries } = this
    const more = entries.next()
    if (more instanceof Fault) throw failure('load', this.path, more)
    this.more = more
    const { payload } = entries
    if (!more || entries.hardLink || payload.from < 0 || (entries.mode & S_IFMT) !== S_IFREG) return
    this.objects.set(binaryString(payload.bytes.subarray(payload.from, payload.to)), entries.size)
  }
}

/** Order of two paths in a listing, in which a directory comes before what is in it and that before its next sibling. */
function order(a: TreeEntries, b: TreeEntries): number {
  const common = Math.min(a.pathLength, b.pathLength)
  for (let i = 0; i < common; i++) {
    const difference = (a.path[i] === SLASH ? 0 : a.path[i]) - (b.path[i] === SLASH ? 0 : b.path[i])
    if (difference !== 0) return difference
  }
  return a.pathLength - b.pathLength
}

/** Told of everything that differs; entries are good during the call. */
interface Listener {
  added(entry: TreeEntries): void
  removed(entry: TreeEntries): void
  changed(entry: TreeEntries, changes: readonly Change[]): void
}

function compare(a: Side, b: Side, listener: Listener): void {
  while (a.more || b.more) {
    const which = !a.more ? 1 : !b.more ? -1 : order(a.entries, b.entries)
    if (which === 0) {
      const changes = entryChanges(a.entries, b.entries)
      if (changes.length > 0) listener.changed(b.entries, changes)
    } else if (which < 0) listener.removed(a.entries)
    else listener.added(b.entries)
    if (which <= 0) a.next()
    if (which >= 0) b.next()
  }
}

interface Objects {
  readonly objects: number
  readonly bytes: number
}

function sum(objects: Iterable<[string, number]>): Objects {
  let count = 0
  let bytes = 0
  for (const [, size] of objects) {
    count++
    bytes += size
  }
  return { objects: count, bytes }
}

function sharing(a: Side, b: Side): { shared: Objects; first: Objects; second: Objects } {
  return {
    shared: sum([...a.objects].filter(([name]) => b.objects.has(name))),
    first: sum([...a.objects].filter(([name]) => !b.objects.has(name))),
    second: sum([...b.objects].filter(([name]) => !a.objects.has(name))),
  }
}

/** Writes lines, and counts them. */
class Lines implements Listener {
  readonly counts = { added: 0, removed: 0, changed: 0 }
  readonly #out = new StandardOutput()

  added(entry: TreeEntries): void {
    this.counts.added++
    this.#line('+ ', entry)
  }

  removed(entry: TreeEntries): void {
    this.counts.removed++
    this.#line('- ', entry)
  }

  changed(entry: TreeEntries, changes: readonly Change[]): void {
    this.counts.changed++
    const texts = changes.map(({ what, from, to }) => (what === 'content' ? what : `${what} ${from} -> ${to}`))
    this.#line('~ ', entry, `: ${texts.join(', ')}`)
  }

  end(a: Side, b: Side): void {
    const { added, removed, changed } = this.counts
    const { shared, first, second } = sharing(a, b)
    const said = ({ objects, bytes }: Objects) => `${objects} objects (${byteText(bytes)})`
    const { text } = this.#out
    text.latin1(`${added} added, ${removed} removed, ${changed} changed\n`)
    text.latin1(`${said(shared)} shared, ${said(first)} only in the first, ${said(second)} only in the second\n`)
    this.#out.flush()
  }

  #line(sign: string, entry: TreeEntries, more = ''): void {
    const { text } = this.#out
    text.latin1(sign)
    writeEscapedPath(text, entry.path, 0, entry.pathLength)
    text.latin1(`${more}\n`)
    this.#out.spill()
  }
}

/** Gathers what `--json` prints. */
class Json implements Listener {
  readonly counts = { added: 0, removed: 0, changed: 0 }
  readonly #lists = { added: [] as unknown[], removed: [] as unknown[], changed: [] as unknown[] }

  added(entry: TreeEntries): void {
    this.#add('added', entry, { type: typeName(entry.mode) })
  }

  removed(entry: TreeEntries): void {
    this.#add('removed', entry, { type: typeName(entry.mode) })
  }

  changed(entry: TreeEntries, changes: readonly Change[]): void {
    this.#add('changed', entry, {
      changes: Object.fromEntries(changes.map(({ what, from, to }) => [what, [from, to]])),
    })
  }

  end(a: Side, b: Side): void {
    const { shared, first, second } = sharing(a, b)
    const out = new StandardOutput()
    const result = { ...this.#lists, objects: { shared, onlyFirst: first, onlySecond: second } }
    out.text.raw(...wholeBytes(`${JSON.stringify(result, null, 2)}\n`))
    out.flush()
  }

  #add(list: 'added' | 'removed' | 'changed', entry: TreeEntries, more: object): void {
    this.counts[list]++
    this.#lists[list].push({ ...bytesJson('path', entry.path.subarray(0, entry.pathLength)), ...more })
  }
}

function wholeBytes(text: string): [Uint8Array, number, number] {
  const bytes = new TextEncoder().encode(text)
  return [bytes, 0, bytes.length]
}

export async function diff(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, 'composefs diff --help')
  const [first, second, ...more] = positionals
  if (first === undefined || second === undefined || more.length > 0) {
    throw wrongUsage('two images are compared', 'composefs diff --help')
  }
  const files = new ImageFiles()
  const [a, b] = [new Side(first, await files.openAny(first)), new Side(second, await files.openAny(second))]
  const listener = values.json ? new Json() : new Lines()
  compare(a, b, listener)
  listener.end(a, b)
  const { added, removed, changed } = listener.counts
  return values['exit-code'] && added + removed + changed > 0 ? 1 : 0
}
