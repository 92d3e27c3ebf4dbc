// A damaged image in which each folder has two names, level below level: all that walks over a tree has an end nevertheless.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { entriesOf, type Structure } from '../../src/anatomy/anatomy.js'
import { Fault } from '../../src/format/errno.js'
import { buildImage } from '../../src/node.js'
import type { ImageNode } from '../../src/overlay/image-layer.js'
import { Engine } from '../../src/playground/engine/engine.js'
import { SearchIndex } from '../../src/playground/engine/search-index.js'

/** 2 to this power are the paths. */
const LEVELS = 30
const folders = suite('folders of many names')

function engine(): Engine {
  return new Engine('http://localhost/', () => ({ calls: new SearchIndex(), end: () => undefined }))
}

async function open(own: Engine, bytes: Uint8Array): Promise<number> {
  return (await own.documents.add({ bytes, name: 'image', origin: 'file' })).id
}

function placeOf(entries: readonly Structure[], name: string): number {
  const entry = entries.find(({ fields }) => fields.some(one => one.name === 'name' && one.value === name))
  const field = entry?.fields.find(one => one.name === 'nid')
  if (field === undefined) throw new Error(`no ${name}`)
  return field.offset
}

/** /x/x/x… with a /y beside each /x, which leads to the same folder. */
async function twofold(): Promise<Uint8Array> {
  const lines = ['/ 0 40755 2 0 0 0 0.0 - - -']
  for (let level = 0; level < LEVELS; level++) {
    for (const name of ['x', 'y']) lines.push(`${'/x'.repeat(level)}/${name} 0 40755 2 0 0 0 0.0 - - -`)
  }
  const { image } = await buildImage({ dump: `${lines.join('\n')}\n` })
  const own = engine()
  const document = own.documents.get(await open(own, image))
  const bytes = image.slice()
  const view = new DataView(bytes.buffer)
  for (let level = 0; level < LEVELS; level++) {
    const { nid } = (await document.nodeAt(level === 0 ? '/' : '/x'.repeat(level))) as ImageNode
    const found = entriesOf(document.image, nid, 0)
    if (found instanceof Fault) throw found
    const to = view.getBigUint64(placeOf(found.entries, 'x'), true)
    view.setBigUint64(placeOf(found.entries, 'y'), to, true)
  }
  return bytes
}

const bytes = await twofold()

folders('sizes, objects, weights and tars end', async () => {
  const own = engine()
  const id = await open(own, bytes)
  const { broken } = await own.treemap.report(id, '/', 'entries')
  assert.is(broken, LEVELS)
  const { images } = await own.sharing.report([id])
  assert.is(images[0]?.files, 0)
  assert.ok((await own.downloads.weigh(id, '/')).entries <= 2 * LEVELS + 256 + 1)
  const failed = await own.downloads.folder(id, '/', undefined, 0).catch((error: Error) => error)
  assert.instance(failed, Error)
  assert.match((failed as Error).message, /^\/ can’t be packed: The image is damaged/)
})

folders('folders that were made since are folders of their own', async () => {
  const own = engine()
  const { image } = await buildImage({ dump: '/ 0 40755 2 0 0 0 0.0 - - -\n/old 0 40755 2 0 0 0 0.0 - - -\n' })
  const id = await open(own, image)
  const before = await own.downloads.weigh(id, '/')
  await own.changes.start(id)
  const { fs } = own.documents.get(id).mount
  for (let i = 0; i < 400; i++) await fs.promises.mkdir(`/new${i}`)
  assert.is((await own.downloads.weigh(id, '/')).entries, before.entries + 400)
  assert.instance(await own.downloads.folder(id, '/', undefined, 0), Blob)
  assert.is((await own.treemap.report(id, '/', 'entries')).broken, 0)
})

folders.run()
