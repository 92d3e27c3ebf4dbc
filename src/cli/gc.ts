// composefs gc: removes the objects of a store that no image needs, beside builds that go on.
// Not here: what makes that safe (src/store/directory-gc.ts).

import type { LimitOptions } from '../format/limits.js'
import { GarbageCollector, type GcReport } from '../store/directory-gc.js'
import { parseArguments } from './arguments.js'
import { claimsOf } from './claims.js'
import { CommandError, complain, failure, reason, wrongUsage } from './failure.js'
import { LIMIT_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { startProgress } from './progress.js'
import { StandardOutput } from './standard-output.js'
import { isUrl, localPath } from './url.js'

const HELP = 'composefs gc --help'
export const GC_HELP = `Usage: composefs gc STORE IMAGE... [--dry-run] [--min-age TIME] [--json]

Removes the objects of a store that none of the images needs, and what builds that broke off have left there for a day.
Give all images that use the store: what others need is removed. If one can't be read, nothing is removed.

Safe beside builds of this program: what they use stays. An image that such a build puts in place before gc starts has to
be among IMAGEs. Beside mkcomposefs of the C project it is safe only for objects that it writes, not for those that it
finds in the store: do not run gc while it builds.

STORE may be s3://bucket/prefix. There objects that were put within the last day stay, since an upload may be about to need
them, and while a push goes on nothing is removed; do not start a push while gc runs. IMAGEs may be http(s) and s3 URLs.

  --dry-run        only say what would be removed
  --min-age TIME   of a bucket: how old an object must be to be removed, as 12h, 30m, 45s or 7d; 1d unless given
  --json           the result as an object
${LIMITS_HELP}`

const OPTIONS = {
  'dry-run': { type: 'boolean' },
  'min-age': { type: 'string' },
  json: { type: 'boolean' },
  ...LIMIT_OPTIONS,
} as const
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DIRECTORIES = 256
const encoder = new TextEncoder()

class Writer {
  readonly #out = new StandardOutput()
  readonly #json: boolean
  readonly #dryRun: boolean
  #count = 0

  constructor(json: boolean, dryRun: boolean) {
    this.#json = json
    this.#dryRun = dryRun
    if (json) this.#write('{"objects":[')
  }

  removed(name: string): void {
    if (this.#json) this.#write(`${this.#count > 0 ? ',' : ''}\n"${name}"`)
    else if (this.#dryRun) this.#write(`would remove ${name}\n`)
    this.#count++
    this.#out.spill()
  }

  end(report: GcReport, live: number): void {
    const { removed, removedBytes, trees, needed, fresh, leftovers, leftoverBytes, restored } = report
    if (this.#json) {
      const failures = report.failures.map(({ name, error }) => ({ object: name, why: reason(error) }))
      const facts = { dryRun: this.#dryRun, ...report, builds: live, failures }
      this.#write(`${this.#count > 0 ? '\n' : ''}],${JSON.stringify(facts).slice(1)}\n`)
    } else {
      const would = this.#dryRun ? ' would be' : ''
      const builds = fresh > 0 ? `, ${fresh} that a build may use` : ''
      const beside = trees > 0 ? `, ${trees} Merkle trees` : ''
      this.#write(`${removed} objects${beside}${would} removed, ${removedBytes} bytes\n`)
      this.#write(`${needed + fresh} objects kept: ${needed} that the images need${builds}\n`)
      if (leftovers > 0) this.#write(`${leftovers} leftovers${would} removed, ${leftoverBytes} bytes\n`)
      if (restored > 0) this.#write(`${restored} objects${would} put back that a gc which broke off had moved aside\n`)
    }
    this.#out.flush()
  }

  #write(text: string): void {
    const bytes = encoder.encode(text)
    this.#out.text.raw(bytes, 0, bytes.length)
  }
}

/** Milliseconds. Throws a CommandError. */
function ageOf(text: string): number {
  const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (unit === undefined) throw wrongUsage('--min-age is a number of s, m, h or d, as 12h', HELP)
  return Number(number) * UNITS[unit]
}

interface Elsewhere {
  readonly dryRun: boolean
  readonly minAge: number
  readonly json: boolean
  readonly limits: LimitOptions
}

async function gcElsewhere(
  url: string,
  images: readonly string[],
  { dryRun, minAge, json, limits }: Elsewhere,
): Promise<number> {
  const { RemoteCollector } = await import('./remote-gc.js')
  try {
    const names: string[] = []
    const collector = new RemoteCollector(url, { dryRun, minAge, removed: name => names.push(name) })
    await collector.look()
    const claims = await claimsOf(images, limits)
    await collector.collect(new Set(claims.byName.keys()))
    const { report, live } = collector
    const writer = new Writer(json, dryRun)
    for (const name of names) writer.removed(name)
    writer.end(report, live)
    for (const { name, error } of report.failures) complain('composefs', failure('gc', name, error).message)
    return report.failures.length === 0 ? 0 : 1
  } catch (error) {
    throw error instanceof CommandError ? error : failure('gc', url, error)
  }
}

export async function gc(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, HELP)
  const [store, ...images] = positionals
  const dryRun = values['dry-run'] === true
  if (store === undefined) throw wrongUsage('gc: no store given', HELP)
  if (images.length === 0) throw wrongUsage('gc: no image given, and none needs any object', HELP)
  const age = values['min-age']
  const limits = limitsGiven(values, HELP)
  if (isUrl(store))
    return gcElsewhere(store, images, { dryRun, minAge: ageOf(age ?? '1d'), json: values.json === true, limits })
  if (age !== undefined) throw wrongUsage('--min-age is of buckets; builds in a directory are known', HELP)
  const progress = await startProgress('collecting', DIRECTORIES)
  const writer = new Writer(values.json === true, dryRun)
  try {
    const step = () => progress.step()
    const collector = GarbageCollector.begin(localPath(store), { dryRun, step, removed: name => writer.removed(name) })
    try {
      // Only now: a build that ended before the cut-off was taken has its image in place.
      const claims = await claimsOf(images, limits)
      const report = collector.collect(new Set(claims.byName.keys()))
      progress.stop()
      writer.end(report, collector.builds.live)
      for (const { name, error } of report.failures) complain('composefs', failure('gc', name, error).message)
      return report.failures.length === 0 ? 0 : 1
    } finally {
      collector.close()
    }
  } catch (error) {
    throw error instanceof CommandError ? error : failure('gc', store, error)
  } finally {
    progress.stop()
  }
}
