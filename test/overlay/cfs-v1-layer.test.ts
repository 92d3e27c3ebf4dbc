// A cfs v1 image with its store: where its files' data comes from (spec cfs-v1.md 4.6), and what happens when it does not.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, type Outcome } from '../../src/format/errno.js'
import { CONSTANTS } from '../../src/format/structs.js'
import { verityDigest } from '../../src/format/verity.js'
import { ImageLayer, type Verity } from '../../src/overlay/image-layer.js'
import { MemoryStore } from '../../src/store/memory.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { type CfsNode, cfsNode, encodeCfs } from '../helpers/cfs-v1-encoder.js'
import { loaded, newPool, sha256 } from '../helpers/core.js'

const { S_IFREG, S_IFDIR } = CONSTANTS

const layers = suite('a cfs v1 image with its store')
const pool = newPool()
const content = Buffer.alloc(10_000, 'some content ')
const digest = Buffer.from(verityDigest(content, sha256))

const store = new MemoryStore([
  ['objs/x', content],
  ['usr/bin/tool', content],
  ['short', content.subarray(1)],
])

function file(payload: string, fields: Partial<CfsNode> = {}): CfsNode {
  return cfsNode(S_IFREG | 0o644, { size: content.length, payload: Buffer.from(payload), ...fields })
}

const files: Record<string, CfsNode> = {
  plain: file('objs/x'),
  checked: file('objs/x', { digest }),
  absolute: file('/usr/bin/tool', { digest }),
  dotted: file('objs/./y/../x', { digest }),
  lie: file('objs/x', { digest: Buffer.alloc(32, 7) }),
  short: file('short'),
  missing: file('objs/none', { digest }),
  outside: file('../objs/x', { digest }),
  doubled: file('objs//x', { digest }),
  nul: file('objs\0/x', { digest }),
  empty: cfsNode(S_IFREG | 0o644),
}
const root = cfsNode(S_IFDIR | 0o755, {
  children: Object.entries(files).map(([name, node]) => [Buffer.from(name), node] as [Buffer, CfsNode]),
})
const { bytes } = encodeCfs(root)

function read(name: string, verity: Verity = 'on'): Outcome<Uint8Array> {
  return readFrom(new ImageLayer(loaded(pool, bytes), new VerifiedObjects(store, sha256), verity), name)
}

function readFrom(layer: ImageLayer, name: string): Outcome<Uint8Array> {
  const node = layer.resolve(`/${name}`, true)
  const opened = node instanceof Fault ? node : layer.open(node, true)
  return opened instanceof Fault ? opened : opened.readAll(true)
}

function is(outcome: Outcome<Uint8Array>, what: string): void {
  assert.is(outcome instanceof Fault ? `${outcome.code} ${outcome.detail}` : Buffer.compare(outcome, content), 0, what)
}

layers('the backing path is the name of the object, an absolute one below the store', () => {
  for (const name of ['plain', 'checked', 'absolute', 'dotted']) is(read(name), name)
})

const refused: readonly [string, Verity, string, RegExp][] = [
  ['missing', 'on', 'ENOENT', /objs\/none/],
  ['outside', 'on', 'EXDEV', /leaves the store/],
  ['doubled', 'on', 'EINVAL', /empty component/],
  ['nul', 'on', 'EINVAL', /NUL/],
  ['lie', 'on', 'EIO', /objs\/x/],
  ['lie', 'require', 'EIO', /objs\/x/],
  ['short', 'on', 'EIO', /short/],
  ['short', 'off', 'EIO', /short/],
  ['plain', 'require', 'EIO', /no digest/],
]
for (const [name, verity, code, words] of refused) {
  layers(`${name} with verity '${verity}' is ${code}, and everything else goes on`, () => {
    const layer = new ImageLayer(loaded(pool, bytes), new VerifiedObjects(store, sha256), verity)
    const fault = readFrom(layer, name)
    assert.ok(fault instanceof Fault, name)
    assert.is(fault.code, code)
    assert.match(fault.detail, words)
    is(readFrom(layer, 'checked'), 'checked')
  })
}

layers('a digest that the object has not gives both, and with verity off is not looked at', () => {
  const { expected, actual } = (read('lie') as Fault).cause as { expected: string; actual: string }
  assert.is(expected, '07'.repeat(32))
  assert.is(actual, digest.toString('hex'))
  is(read('lie', 'off'), 'lie')
})

layers('with every digest required a file that has one is read, and so is an empty one', () => {
  is(read('checked', 'require'), 'checked')
  assert.is((read('empty', 'require') as Uint8Array).length, 0)
})

layers('without a store a file names its object, and an empty one is read', () => {
  const layer = new ImageLayer(loaded(pool, bytes), undefined, 'on')
  assert.is((readFrom(layer, 'empty') as Uint8Array).length, 0)
  const fault = readFrom(layer, 'absolute') as Fault
  assert.is(fault.code, 'ENOENT')
  assert.match(fault.detail, 'usr/bin/tool')
})

layers.run()
