import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DirectoryStore } from '../../src/store/directory.js'
import { HttpStore } from '../../src/store/http.js'
import type { ObjectStore } from '../../src/store/object-store.js'
import { NO_NGINX, startNginx } from '../helpers/nginx.js'
import { skip } from '../helpers/paths.js'
import { storeContract } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'

const test = suite('HttpStore over nginx')
const top = mkdtempSync(join(tmpdir(), 'http-store-'))
process.on('exit', () => rmSync(top, { recursive: true, force: true }))
const nginx = await startNginx({ root: top })

if (nginx === undefined) {
  skip(test, 'HttpStore over nginx', NO_NGINX)
} else {
  let count = 0
  const served = new WeakMap<ObjectStore, DirectoryStore>()
  const make = async (query = '') => {
    const name = String(count++)
    const store = new HttpStore(`${nginx.url}/${name}/${query}`)
    served.set(store, new DirectoryStore(join(top, name)))
    return store
  }
  const put = async (store: ObjectStore, name: string, data: Uint8Array) => served.get(store)?.put(name, data)

  storeContract(test, () => make(), { put, below: 'ENOENT' })

  test('a small object costs one request, and a large one its ranges', async () => {
    const store = await make()
    await put(store, 'small', noise(40_000))
    await put(store, 'large', noise(1_000_000))
    await nginx.log()
    const small = await store.open('small')
    assert.ok(Buffer.from(noise(40_000)).equals(await small.read(0, 40_000)))
    assert.ok(Buffer.from(noise(40_000).subarray(100, 200)).equals(await small.read(100, 100)))
    small.close()
    const one = await nginx.log()
    assert.equal(
      one.map(({ status, range, bodyBytes }) => [status, range, bodyBytes]),
      [[206, 'bytes=0-65535', 40_000]],
    )
    const large = await store.open('large')
    const whole = noise(1_000_000)
    for (const [offset, length] of [
      [0, 1000],
      [60_000, 10_000],
      [999_999, 50],
      [500_000, 4096],
    ]) {
      const wanted = Buffer.from(whole.subarray(offset, offset + length))
      assert.ok(wanted.equals(await large.read(offset, length)), `${offset}+${length}`)
    }
    large.close()
    const parts = await nginx.log()
    assert.equal(
      parts.map(({ range, bodyBytes }) => [range, bodyBytes]),
      [
        ['bytes=0-65535', 65_536],
        ['bytes=65536-69999', 4464],
        ['bytes=999999-999999', 1],
        ['bytes=500000-504095', 4096],
      ],
    )
    assert.ok(
      parts.slice(1).every(({ ifRange }) => ifRange.startsWith('"')),
      'If-Range',
    )
    const bytes = parts.reduce((sum, entry) => sum + entry.bytes, 0)
    assert.ok(bytes < 65_536 + 4464 + 1 + 4096 + 4 * 1000, `${bytes} bytes sent`)
  })
}

test.run()
