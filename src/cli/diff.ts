// composefs diff: what differs between two images, entry by entry, and which objects they share. Not here: how they are compared
// (src/image/image-diff.ts).

import { writeEscapedPath } from '../format/dump-text.js'
import type { Fault } from '../format/errno.js'
import { typeName } from '../format/file-type.js'
import { sha256 } from '../host/hash.js'
import type { EntryChange } from '../image/entry-diff.js'
import { type DiffListener, DiffSide, imageDiff } from '../image/image-diff.js'
import type { TreeEntries } from '../image/tree-entries.js'
import { parseArguments } from './arguments.js'
import { bytesJson } from './entry-json.js'
import { failure, wrongUsage } from './failure.js'
import { LIMIT_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { ImageFiles } from './open.js'
import { byteText } from './progress.js'
import { StandardOutput } from './standard-output.js'

export const DIFF_HELP = `Usage: composefs diff IMAGE IMAGE [--json] [--exit-code]

Lists what the second image adds (+), lacks (-) and has otherwise (~) than the first, then what objects they share.
IMAGEs may be http(s) and s3 URLs.

  --json        the result as an object
  --exit-code   exit status 1 when they differ
${LIMITS_HELP}`

const OPTIONS = { json: { type: 'boolean' }, 'exit-code': { type: 'boolean' }, ...LIMIT_OPTIONS } as const

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

function sharing(a: DiffSide, b: DiffSide): { shared: Objects; first: Objects; second: Objects } {
  return {
    shared: sum([...a.objects].filter(([name]) => b.objects.has(name))),
    first: sum([...a.objects].filter(([name]) => !b.objects.has(name))),
    second: sum([...b.objects].filter(([name]) => !a.objects.has(name))),
  }
}

/** Writes lines, and counts them. */
class Lines implements DiffListener {
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

  changed(entry: TreeEntries, changes: readonly EntryChange[]): void {
    this.counts.changed++
    const texts = changes.map(({ what, from, to }) => (what === 'content' ? what : `${what} ${from} -> ${to}`))
    this.#line('~ ', entry, `: ${texts.join(', ')}`)
  }

  end(a: DiffSide, b: DiffSide): void {
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
class Json implements DiffListener {
  readonly counts = { added: 0, removed: 0, changed: 0 }
  readonly #lists = { added: [] as unknown[], removed: [] as unknown[], changed: [] as unknown[] }

  added(entry: TreeEntries): void {
    this.#add('added', entry, { type: typeName(entry.mode) })
  }

  removed(entry: TreeEntries): void {
    this.#add('removed', entry, { type: typeName(entry.mode) })
  }

  changed(entry: TreeEntries, changes: readonly EntryChange[]): void {
    this.#add('changed', entry, {
      changes: Object.fromEntries(changes.map(({ what, from, to }) => [what, [from, to]])),
    })
  }

  end(a: DiffSide, b: DiffSide): void {
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
  const files = new ImageFiles({ limits: limitsGiven(values, 'composefs diff --help') })
  const side = async (path: string) =>
    new DiffSide(await files.openAny(path), (fault: Fault) => failure('load', path, fault))
  const [a, b] = [await side(first), await side(second)]
  const listener = values.json ? new Json() : new Lines()
  for (const _ of imageDiff(a, b, listener, sha256));
  listener.end(a, b)
  const { added, removed, changed } = listener.counts
  return values['exit-code'] && added + removed + changed > 0 ? 1 : 0
}
