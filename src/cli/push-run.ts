// What composefs push does: images are read, what they need is brought to the target. Not here: the order that makes it safe
// (src/publish/publisher.ts).

import { Fault } from '../format/errno.js'
import { sha256Algorithm, sha512Algorithm } from '../format/hash.js'
import type { LimitOptions } from '../format/limits.js'
import { merkleTree } from '../format/merkle-tree.js'
import { sha256, sha512 } from '../host/hash.js'
import type { Expected } from '../publish/outgoing.js'
import { expectedOf, type PublishedImage, Publisher, type PublisherOptions } from '../publish/publisher.js'
import { S3Target } from '../publish/s3-target.js'
import { OBJECTS, type Target } from '../publish/target.js'
import { objectOfTree } from '../store/object-name.js'
import { addImage, noClaims } from './claims.js'
import { DirectoryTarget } from './directory-target.js'
import { CommandError, complain, failure, printable, wrongUsage } from './failure.js'
import { openStoreAny } from './layers.js'
import { ImageFiles } from './open.js'
import { byteText, startByteProgress } from './progress.js'
import { s3Store } from './remote.js'
import { StandardOutput } from './standard-output.js'
import { isUrl, lastPart, localPath, shown } from './url.js'

/** What the command was asked for. */
export interface PushArguments {
  readonly images: readonly string[]
  readonly basedir: string
  readonly to: string
  readonly jobs: number
  readonly trees: boolean
  readonly dryRun: boolean
  readonly json: boolean
  readonly limits: LimitOptions
}

const encoder = new TextEncoder()

function targetOf(to: string): Target {
  try {
    if (!isUrl(to)) return new DirectoryTarget(localPath(to))
    if (/^https?:/i.test(to)) throw new Fault('EROFS', 'what a web server serves is read-only; push to its directory')
    if (!/^s3:/i.test(to)) throw new Fault('ENOTSUP', 'nothing is put by this scheme')
    const base = to.replace(/\/+$/, '')
    const id = crypto.randomUUID()
    return new S3Target(path => s3Store(path === '' ? base : `${base}/${path}`), id)
  } catch (error) {
    throw failure('push', to, error)
  }
}

/** The name that an image gets. Throws a CommandError for one that can't be, or that another image of the same push has. */
function nameOf(path: string, taken: Set<string>): string {
  const name = lastPart(path)
  const bad = ['', '.', '..', OBJECTS].includes(name) || /[/\0]/.test(name)
  if (bad) throw wrongUsage(`${shown(path)}: no name for an image`)
  const names = [name, `${name}.verity`]
  for (const one of names) if (taken.has(one)) throw wrongUsage(`${printable(one)}: two files would have this name`)
  for (const one of names) taken.add(one)
  return name
}

interface Gathered {
  readonly wanted: readonly Expected[]
  readonly images: readonly (PublishedImage & { readonly digest: string })[]
}

/** Reads the images, whole; each is then published as it was read. */
async function gather({ images: paths, trees, limits }: PushArguments): Promise<Gathered> {
  const files = new ImageFiles({ limits })
  const taken = new Set<string>()
  const names = paths.map(path => nameOf(path, taken))
  const claims = noClaims()
  const images: Gathered['images'][number][] = []
  for (const [i, path] of paths.entries()) {
    const image = await files.openAny(path)
    addImage(claims, image, path)
    const bytes = image.bytes()
    const tree = trees ? merkleTree(bytes, sha256) : undefined
    images.push({ name: names[i], bytes, tree: tree?.length === 0 ? undefined : tree, digest: image.digest() })
    image.close()
  }
  for (const { name, why } of claims.bad.values()) throw failure('push', `object ${name}`, why)
  const wanted = [...claims.byName].map(([name, all]) => {
    try {
      // Its name is that of a tree, which may be of another object.
      if (objectOfTree(name) !== undefined) throw new Fault('EINVAL', 'no object has such a name')
      return expectedOf(name, all)
    } catch (error) {
      throw failure('push', `object ${name}`, error)
    }
  })
  return { wanted, images }
}

function print(text: string): void {
  const out = new StandardOutput()
  const bytes = encoder.encode(text)
  out.text.raw(bytes, 0, bytes.length)
  out.flush()
}

function describe({ report }: Publisher, images: Gathered['images'], { dryRun, to }: PushArguments): string {
  const { uploaded, present, trees } = report
  const would = dryRun ? ' would be' : ''
  const lines = [
    `${uploaded.count} objects${would} uploaded (${byteText(uploaded.bytes)}), ${present.count} already there (${byteText(present.bytes)})`,
  ]
  if (trees.count > 0) lines.push(`${trees.count} Merkle trees${would} uploaded (${byteText(trees.bytes)})`)
  for (const { name, bytes, uploaded: isNew } of report.images) {
    const digest = images.find(image => image.name === name)?.digest
    const what = isNew ? `${would === '' ? '' : 'would be '}uploaded` : 'already there'
    const at = `${shown(to).replace(/\/+$/, '')}/${name}`
    lines.push(`${printable(at)}: ${byteText(bytes)}, ${what}`, `digest ${digest}`)
  }
  return `${lines.join('\n')}\n`
}

function json({ report }: Publisher, images: Gathered['images'], objects: string[], call: PushArguments): string {
  const { uploaded, present, trees, failures } = report
  const result = {
    target: shown(call.to),
    dryRun: call.dryRun,
    objects,
    uploaded: uploaded.count,
    uploadedBytes: uploaded.bytes,
    present: present.count,
    presentBytes: present.bytes,
    trees: trees.count,
    treeBytes: trees.bytes,
    images: report.images.map(one => ({ ...one, digest: images.find(({ name }) => name === one.name)?.digest })),
    failures: failures.map(({ name, error }) => ({ object: name, why: failure('push', name, error).message })),
  }
  return `${JSON.stringify(result, null, 1)}\n`
}

export async function runPush(call: PushArguments): Promise<number> {
  const { to, jobs, trees, dryRun } = call
  const target = targetOf(to)
  const store = (await openStoreAny(call.basedir))?.store
  if (store === undefined) throw wrongUsage('--basedir is needed')
  const { wanted, images } = await gather(call)
  const progress = await startByteProgress('pushing')
  const objects: string[] = []
  const options: PublisherOptions = {
    sha256: sha256Algorithm(sha256),
    sha512: sha512Algorithm(sha512),
    jobs,
    trees,
    dryRun,
    expect: (count, bytes) => progress.expect(count, bytes),
    step: (count, bytes) => progress.add(count, bytes),
    brought: name => objects.push(name),
  }
  const publisher = new Publisher(store, target, options)
  try {
    await publisher.run(wanted, images)
  } catch (error) {
    throw error instanceof CommandError ? error : failure('push', to, error)
  } finally {
    progress.stop()
  }
  const { failures } = publisher.report
  for (const { name, error } of failures) complain('composefs', failure('push', name, error).message)
  if (call.json) print(json(publisher, images, objects, call))
  else if (failures.length === 0 && dryRun) print(objects.map(name => `would upload ${name}\n`).join(''))
  if (!call.json && failures.length === 0) print(describe(publisher, images, call))
  return failures.length === 0 ? 0 : 1
}
