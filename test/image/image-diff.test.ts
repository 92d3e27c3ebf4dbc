// The comparison of two images goes on where others open images in its pauses: in long runs of what only one of them has, too. Not
// here: what is compared (the tests of `composefs diff`).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { faultError } from '../../src/format/errno.js'
import { binaryString } from '../../src/format/xattr-name.js'
import { contentName, type EntryChange } from '../../src/image/entry-diff.js'
import { DiffSide, imageDiff } from '../../src/image/image-diff.js'
import type { TreeEntries } from '../../src/image/tree-entries.js'
import { buildImage, openImage } from '../../src/node.js'
import { wasmSha256 } from '../../src/store/wasm-sha256.js'

const ALONE = 3000
const DIGEST = 'ab'.repeat(32)
const comparing = suite('comparing images')
const sha256 = await wasmSha256()

function line(path: string, rest = '0 100644 1 0 0 0 0.0 - - -'): string {
  return `${path} ${rest}`
}

async function built(...lines: string[]): Promise<Uint8Array> {
  return (await buildImage({ dump: [line('/', '0 40755 2 0 0 0 0.0 - - -'), ...lines, ''].join('\n') })).image
}

const many = Array.from({ length: ALONE }, (_, i) => line(`/m${i}`))
/** What stays the current entry of one image while the other's many go by. */
const STAYING = [
  line('/z', `9 100644 1 0 0 0 0.0 ${DIGEST.slice(0, 2)}/${DIGEST.slice(2)} - ${DIGEST} user.a=long-value`),
  line('/z', '11 120777 1 0 0 0 0.0 some-target - -'),
  line('/z', '5 100644 1 0 0 0 0.0 - words - user.b=v'),
]

/** All that is told, with what lies behind the fields; `pause` has its turn at each pause. */
async function told(one: Uint8Array, two: Uint8Array, pause: () => Promise<void>): Promise<[string[], number]> {
  const images = [await openImage(one), await openImage(two)]
  const said: string[] = []
  const say = (what: string, entry: TreeEntries, changes: readonly EntryChange[] = []) => {
    const { path, pathLength, payload, hardLink, xattrs, xattrCount } = entry
    const bytes = payload.from < 0 ? '' : binaryString(payload.bytes.subarray(payload.from, payload.to))
    const names = xattrs
      .slice(0, xattrCount)
      .map(({ name, value }) => [name, value].map(s => binaryString(s.bytes.subarray(s.from, s.to))).join('='))
    const content = contentName(entry, sha256)
    said.push(
      JSON.stringify([what, binaryString(path.subarray(0, pathLength)), bytes, hardLink, names, content, changes]),
    )
  }
  const failed = (fault: Parameters<typeof faultError>[0]) => faultError(fault, 'compare')
  const listener = {
    added: (entry: TreeEntries) => say('added', entry),
    removed: (entry: TreeEntries) => say('removed', entry),
    changed: (entry: TreeEntries, changes: readonly EntryChange[]) => say('changed', entry, changes),
  }
  let pauses = 0
  for (const _ of imageDiff(new DiffSide(images[0], failed), new DiffSide(images[1], failed), listener, sha256)) {
    pauses++
    await pause()
  }
  for (const image of images) image.close()
  return [said, pauses]
}

for (const staying of STAYING) {
  comparing(`beside ${staying.split(' ')[2]}`, async () => {
    const [few, full] = [await built(staying, line('/zz', '0 @100644 1 0 0 0 0.0 /z - -')), await built(...many)]
    for (const [one, two] of [
      [few, full],
      [full, few],
    ]) {
      const [expected, pauses] = await told(one, two, async () => undefined)
      assert.ok(expected.length > ALONE)
      assert.ok(pauses > ALONE / 500, `${pauses} pauses`)
      let size = 1
      const opened: { close(): void }[] = []
      const [said] = await told(one, two, async () => {
        // Images that are ever larger, so that the core's memory has to grow.
        if (opened.length >= 12) return
        size *= 2
        opened.push(
          await openImage(await built(...Array.from({ length: size * 8 }, (_, i) => line(`/${'n'.repeat(200)}${i}`)))),
        )
      })
      for (const image of opened) image.close()
      assert.equal(said, expected)
    }
  })
}

comparing.run()
