// Lies by the thousand: fields and bytes of real images changed at random (by a seed), and everything asked of the
// result. The core must answer with a value or an errno: no trap, no exception, no hang, no memory by the image's word.
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault } from '../../src/format/errno.js'
import { BYTE_MUTATORS, erofsMutators, mutated, Random } from '../../src/fuzz.js'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import { newAttr } from '../../src/overlay/layer.js'
import { load, newPool } from '../helpers/core.js'
import { fixture } from '../helpers/paths.js'

const ROUNDS = 400
const SECONDS_AT_MOST = 120
const MUTATORS = [...erofsMutators({ mend: true }), ...BYTE_MUTATORS]

const mutations = suite('images changed at random')
const pool = newPool()

/** Asks everything of every entry that can be reached by path; the number of questions. */
function exercise(layer: ImageLayer): number {
  const attr = newAttr()
  const into = new Uint8Array(4096)
  let asked = 0
  const waiting: string[] = ['']
  for (let dir = waiting.pop(); dir !== undefined && asked < 20_000; dir = waiting.pop()) {
    const at = dir === '' ? '/' : dir
    const opened = layer.resolve(at, true)
    const list = opened instanceof Fault ? opened : layer.readdir(opened)
    const found = layer.namesAt(at)
    asked += 2
    assert.equal(found instanceof Fault ? found.code : found, list instanceof Fault ? list.code : list.names)
    if (list instanceof Fault) continue
    for (const [i, name] of list.names.entries()) {
      const path = list.raw?.has(i)
        ? Buffer.concat([Buffer.from(`${dir}/`), list.raw.get(i) ?? into])
        : `${dir}/${name}`
      asked += 6
      const failed = layer.statPath(path, false, attr)
      layer.statPath(path, true, attr)
      const node = layer.resolve(path, false)
      assert.is(node instanceof Fault, failed instanceof Fault, `${String(path)}: stat and resolve disagree`)
      if (node instanceof Fault) continue
      layer.readlink(node)
      const xattrs = layer.listxattr(node)
      if (!(xattrs instanceof Fault)) for (const one of xattrs) layer.getxattr(node, one)
      const file = layer.open(node, true)
      if (!(file instanceof Fault)) {
        file.read(into, 0, true)
        file.read(into, Math.max(0, file.size - 100), true)
        if (file.size < 1 << 20) file.readAll(true)
      }
      if (typeof path === 'string' && (node.mode & 0o170000) === 0o040000) waiting.push(path)
    }
  }
  return asked
}

const names = ['small.cfs', 'small-v1.cfs', ...readdirSync(fixture('erofs')).filter(name => name.endsWith('.erofs.gz'))]
for (const name of names) {
  const file = name.endsWith('.gz') ? gunzipSync(readFileSync(fixture('erofs', name))) : readFileSync(fixture(name))
  mutations(name, () => {
    const until = performance.now() + SECONDS_AT_MOST * 1000
    let asked = 0
    let refused = 0
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const image = load(pool, mutated(file, MUTATORS, new Random(seed)))
      if (image instanceof Fault) {
        refused++
        continue
      }
      try {
        asked += exercise(new ImageLayer(image, undefined, 'on'))
        for (const batch of image.batches()) asked += batch.length
      } catch (error) {
        const { code } = error as { code?: string }
        if (code === undefined || (error as Error).name === 'Assertion')
          throw new Error(`seed ${seed}`, { cause: error })
      }
      image.close()
      assert.ok(performance.now() < until, `seed ${seed}: too slow`)
    }
    assert.is(pool.size, 0)
    assert.ok(asked > ROUNDS && refused < ROUNDS, `${asked} questions, ${refused} refused`)
  })
}

mutations.run()
