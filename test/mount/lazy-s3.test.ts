// Images by `s3://` URLs under Node: whole and lazily, with the tree beside them, keys from the environment.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256 } from '../../src/host/hash.js'
import { buildImage, merkleTree, mount, openImage, S3Store, s3OptionsFromEnv, TreeBuilder } from '../../src/node.js'
import { fixture } from '../helpers/paths.js'
import { startS3 } from '../helpers/s3-server.js'
import { noise } from '../helpers/store-hash.js'

const test = suite('images in buckets')
const server = await startS3()
process.on('exit', () => server.close())
Object.assign(process.env, {
  AWS_ENDPOINT_URL_S3: server.endpoint,
  AWS_ACCESS_KEY_ID: server.accessKeyId,
  AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  AWS_REGION: server.region,
})

const bucket = new S3Store(`s3://${server.bucket}/some where`, s3OptionsFromEnv(process.env))
const large = gunzipSync(readFileSync(fixture('bench-500.cfs.gz')))
await bucket.put('a b.cfs', large)
await bucket.put('a b.cfs.verity', merkleTree(large, sha256))
const url = `s3://${server.bucket}/some where/a b.cfs`

test('whole, and lazily with every block checked', async () => {
  const whole = await openImage(url)
  const digest = whole.digest()
  assert.equal(Buffer.from(whole.bytes()), large)
  whole.close()
  const m = await mount(url, { lazy: true, digest })
  assert.ok(m.images[0].lazy)
  assert.ok(((await m.fs.promises.readdir('/')) as string[]).length > 0)
  m.unmount()
})

test('image and objects in one bucket', async () => {
  const builder = new TreeBuilder()
  builder.addFile('/f', noise(5000))
  const built = await buildImage(builder, { store: `s3://${server.bucket}/objects` })
  await bucket.put('f.cfs', built.image)
  const m = await mount(`s3://${server.bucket}/some where/f.cfs`, {
    store: `s3://${server.bucket}/objects`,
    digest: built.digest,
    lazy: true,
  })
  assert.ok(Buffer.from(noise(5000)).equals((await m.fs.promises.readFile('/f')) as Buffer))
  m.unmount()
})

test('what is not there, or no name', async () => {
  for (const [name, code] of [
    [`s3://${server.bucket}/some where/none`, 'ENOENT'],
    [`s3://${server.bucket}/some where/`, 'EINVAL'],
    [`s3://${server.bucket}`, 'EINVAL'],
  ]) {
    try {
      await openImage(name, { lazy: true })
      assert.unreachable(name)
    } catch (error) {
      assert.is((error as { code?: string }).code, code, name)
    }
  }
})

test('and the server ends', () => server.close())

test.run()
