// Mounts whose images and objects are elsewhere, read by synchronous calls: over HTTP by a thread of the package's own, and in
// a worker by what this thread serves.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { serveBridge } from '../../src/bridge/serve.js'
import type { UrlBridge } from '../../src/bridge/start.js'
import type { BridgeUrlOptions } from '../../src/bridge/url-serving.js'
import {
  buildImage,
  CachedStore,
  DirectoryStore,
  HttpStore,
  MemoryStore,
  merkleTree,
  mountSync,
  type ObjectStore,
  openBridge,
  openBridgeSync,
  openImage,
  openImageSync,
  S3Store,
  TreeBuilder,
} from '../../src/node.js'
import { HttpClient } from '../../src/source/http-client.js'
import { HttpSource } from '../../src/source/http-source.js'
import { ROOT, skip } from '../helpers/paths.js'
import { startS3 } from '../helpers/s3-server.js'
import { codeOf } from '../helpers/store-contract.js'
import { noise, sha256 } from '../helpers/store-hash.js'
import type { Consumed } from './consumer-worker.js'
import { bundled, fileServer } from './threads.js'
import { hashesOf } from './tree-hash.js'

const top = mkdtempSync(join(tmpdir(), 'bridge-mount-'))
process.on('exit', () => rmSync(top, { recursive: true, force: true }))

/** A tree with files of all kinds, its image and its objects in a directory, with the Merkle trees of the large ones. */
async function sample() {
  const builder = new TreeBuilder()
  for (let dir = 0; dir < 6; dir++) {
    builder.addDirectory(`/dir${dir}`)
    for (let i = 0; i < 40; i++) builder.addFile(`/dir${dir}/file${i}`, noise((i * 37 + dir) % 900, dir * 100 + i))
    builder.addFile(`/dir${dir}/larger`, noise(20_000 + dir * 9000, dir + 5000))
  }
  builder.addFile('/large', noise(1_600_000, 9))
  builder.addFile('/plain-large', noise(1_200_000, 10))
  const store = new DirectoryStore(join(top, 'objects'))
  const { image, digest } = await buildImage(builder, { store })
  writeFileSync(join(top, 'image.cfs'), image)
  writeFileSync(join(top, 'image.cfs.verity'), merkleTree(image, sha256))
  const names = readdirSync(join(top, 'objects'), { recursive: true, encoding: 'utf8' }).filter(name =>
    /^[0-9a-f]{2}\/[0-9a-f]{62}$/.test(name),
  )
  for (const name of names) {
    const bytes = readFileSync(join(top, 'objects', name))
    if (bytes.length === 1_600_000) writeFileSync(join(top, 'objects', `${name}.verity`), merkleTree(bytes, sha256))
  }
  return { image, digest, names }
}

const { image, digest, names } = await sample()
const local = mountSync(image, { store: join(top, 'objects') })
const expected = hashesOf(local.fs)
const server = await fileServer(top)
const ownWorker = await bundled('src/bridge/worker.main.ts')
const urls = {
  image: `${server.url}/image.cfs`,
  tree: `${server.url}/image.cfs.verity`,
  objects: `${server.url}/objects`,
}

const own = suite('bridge: over HTTP, by a thread of its own')

own('the sample has what it should', () => {
  assert.ok(expected.length > 240 && names.length > 7, `${expected.length} paths, ${names.length} objects`)
})

function lazyImage(bridge: UrlBridge) {
  const merkleTree = bridge.sourceSync(urls.tree)
  return openImageSync(bridge.sourceSync(urls.image), { lazy: true, digest, merkleTree })
}

own('a lazy image and its files are read synchronously, checked, from the first moment', () => {
  const bridge = openBridgeSync({ worker: new Worker(ownWorker) })
  const lazy = lazyImage(bridge)
  const mounted = mountSync(lazy, { store: bridge.store(urls.objects) })
  assert.equal(hashesOf(mounted.fs), expected)
  assert.ok(lazy.pager !== undefined, 'is not lazy')
  mounted.unmount()
  lazy.close()
  bridge.close()
})

own('calls with and without waiting see the same', async () => {
  const bridge = await openBridge({ worker: new Worker(ownWorker) })
  const merkleTree = await bridge.source(urls.tree)
  const lazy = await openImage(await bridge.source(urls.image), { lazy: true, digest, merkleTree })
  const { fs } = mountSync(lazy, { store: bridge.store(urls.objects) })
  const paths = Array.from({ length: 6 }, (_, i) => `/dir${i}/larger`)
  const awaited = await Promise.all(paths.map(path => fs.promises.readFile(path)))
  paths.forEach((path, i) => {
    assert.ok(fs.readFileSync(path).equals(awaited[i] as Buffer), path)
    assert.ok(local.fs.readFileSync(path).equals(awaited[i] as Buffer), path)
  })
  bridge.close()
})

own('a part of a large object costs its blocks', async () => {
  const bridge = openBridgeSync({ worker: new Worker(ownWorker) })
  const { fs } = mountSync(image, { store: bridge.store(urls.objects) })
  fs.readFileSync('/dir0/larger')
  const before = await server.requests()
  const fd = fs.openSync('/large', 'r')
  const into = Buffer.alloc(10_000)
  assert.is(fs.readSync(fd, into, 0, 10_000, 1_000_000), 10_000)
  assert.ok(into.equals(noise(1_600_000, 9).subarray(1_000_000, 1_010_000)))
  fs.closeSync(fd)
  const requests = (await server.requests()) - before
  assert.ok(requests <= 4, `${requests} requests`)
  bridge.close()
})

own('wrong bytes are EIO, what is missing ENOENT, in words without secrets', async () => {
  const bridge = openBridgeSync({ worker: new Worker(ownWorker) })
  mkdirSync(join(top, 'spoiled'))
  for (const name of names) {
    mkdirSync(join(top, 'spoiled', name.slice(0, 2)), { recursive: true })
    const bytes = readFileSync(join(top, 'objects', name))
    bytes[bytes.length - 1] ^= 1
    writeFileSync(join(top, 'spoiled', name), bytes)
  }
  const spoiled = mountSync(image, { store: bridge.store(`${server.url}/spoiled?token=hunter2`) }).fs
  for (const path of ['/large', '/dir3/larger', '/plain-large']) {
    assert.is(await codeOf(() => spoiled.readFileSync(path)), 'EIO', path)
    assert.is(await codeOf(() => spoiled.promises.readFile(path)), 'EIO', path)
  }
  const missing = mountSync(image, { store: bridge.store(`${server.url}/nowhere?token=hunter2`) }).fs
  for (const read of [() => missing.readFileSync('/large'), () => missing.promises.readFile('/large')]) {
    const error = (await Promise.resolve()
      .then(read)
      .then(
        () => assert.unreachable(),
        (reason: unknown) => reason,
      )) as Error & { code: string }
    assert.is(error.code, 'ENOENT')
    const said = `${error.message} ${(error.cause as Error | undefined)?.message}`
    assert.not.match(said, /hunter2/)
  }
  bridge.close()
})

own('who asks is told to the server, and nobody else', () => {
  const bridge = openBridgeSync({ worker: new Worker(ownWorker) })
  const store = bridge.store(`${server.url}/secret/objects`, { headers: { authorization: 'Bearer hunter2' } })
  assert.is(store.label, `${server.url}/secret/objects`)
  assert.ok((store.openSync?.(names[0]).size ?? 0) > 0)
  const user = bridge.store(server.url.replace('http://', 'http://user:hunter2@').concat('/secret/objects'))
  assert.is(user.label, `${server.url}/secret/objects`)
  assert.ok((user.openSync?.(names[0]).size ?? 0) > 0)
  bridge.close()
})

own('bad URLs are refused at once, time limits are those of the store', async () => {
  const bridge = openBridgeSync({ worker: new Worker(ownWorker) })
  for (const url of ['ftp://x/y', 'nonsense', 's3://', 's3://bucket?x']) {
    assert.is(await codeOf(() => bridge.store(url)), 'EINVAL', url)
    assert.is(await codeOf(() => bridge.sourceSync(url)), 'EINVAL', url)
    assert.is(await codeOf(() => bridge.source(url)), 'EINVAL', url)
  }
  assert.is(bridge.store(urls.objects), bridge.store(urls.objects))
  const stalled = bridge.store(`${server.url}/stall`, { timeout: 200, retries: 0 })
  assert.is(await codeOf(() => stalled.openSync?.('x')), 'ETIMEDOUT')
  assert.is(await codeOf(() => stalled.open('x')), 'ETIMEDOUT')
  bridge.close()
  assert.is(await codeOf(() => stalled.openSync?.('x')), 'EBADF')
})

own('a worker that can not be is EIO, not a long wait', async () => {
  assert.is(await codeOf(() => openBridge({ worker: new Worker(join(top, 'no-such-worker.mjs')) })), 'EIO')
})

own('a bucket, by keys that are given or that the environment has', async () => {
  const s3 = await startS3()
  const { endpoint, region, accessKeyId, secretAccessKey } = s3
  await new S3Store({ ...s3, bucket: s3.bucket }).put(names[0], readFileSync(join(top, 'objects', names[0])))
  const url = `s3://${s3.bucket}`
  // This thread is the service, so that it can't wait.
  const check = async (bridge: UrlBridge, options?: BridgeUrlOptions): Promise<string> =>
    codeOf(async () => {
      const object = await bridge.store(url, options).open(names[0])
      const bytes = await object.read(0, object.size)
      assert.ok(readFileSync(join(top, 'objects', names[0])).equals(bytes))
    })
  const bridge = openBridgeSync({ worker: new Worker(ownWorker) })
  assert.is(bridge.store(url, { endpoint: new URL(endpoint) }).label, url)
  assert.is(await check(bridge, { endpoint: new URL(endpoint), region, accessKeyId, secretAccessKey }), 'none')
  assert.is(await check(bridge, { endpoint, region, accessKeyId, secretAccessKey: 'wrong' }), 'EACCES')
  bridge.close()
  const said = { AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  Object.assign(process.env, said, { AWS_REGION: region })
  const other = openBridgeSync({ worker: new Worker(ownWorker) })
  assert.is(await check(other), 'none')
  other.close()
  s3.close()
})

if (existsSync(join(ROOT, 'dist/bridge-worker.js'))) {
  own('the built package starts its own thread, which does not keep a process running', () => {
    const program = `
      const { mountSync, openBridgeSync, openImageSync } = await import(${JSON.stringify(join(ROOT, 'dist/node.js'))})
      const bridge = openBridgeSync()
      const merkleTree = bridge.sourceSync(${JSON.stringify(urls.tree)})
      const image = openImageSync(bridge.sourceSync(${JSON.stringify(urls.image)}), { lazy: true, digest: '${digest}', merkleTree })
      const mounted = mountSync(image, { store: bridge.store(${JSON.stringify(urls.objects)}) })
      process.stdout.write(mounted.fs.readFileSync('/large').subarray(0, 1000).toString('hex'))`
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 20_000 })
    assert.is(said.toString(), Buffer.from(noise(1000, 9)).toString('hex'))
  })
} else skip(own, 'the built package', 'dist/ is not built (npm run build)')

own.run()

const serving = suite('bridge: this thread serves, workers wait')

serving('stores of all kinds, to several workers at once', async () => {
  const s3 = await startS3()
  const bucket = new S3Store({ ...s3, bucket: s3.bucket })
  const late = new MemoryStore()
  for (const name of names) {
    const bytes = readFileSync(join(top, 'objects', name))
    await bucket.put(name, bytes)
    await late.put(name, bytes)
  }
  const stores = {
    http: new HttpStore(urls.objects),
    cached: new CachedStore({ fast: new MemoryStore(), slow: new HttpStore(urls.objects), maxBytes: 4_000_000 }),
    s3: bucket,
    memory: late,
  }
  const source = (what: unknown) =>
    HttpSource.open(new HttpClient(), what === 'image.verity' ? urls.tree : urls.image, { head: 4096 })
  const script = await bundled('test/bridge/consumer-worker.ts')
  const answers = await Promise.all(
    Array.from({ length: 2 }, async () => {
      const worker = new Worker(script)
      const { port1, port2 } = new MessageChannel()
      const served = serveBridge(port1, { stores, source })
      const consumed: Consumed = { port: port2, digest, stores: Object.keys(stores) }
      const answer = await new Promise<string[][]>((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
        worker.postMessage(consumed, [port2 as never])
      })
      await worker.terminate()
      served.close()
      return answer
    }),
  )
  for (const answer of answers) {
    assert.is(answer.length, 4)
    for (const lines of answer) assert.equal(lines, expected)
  }
  s3.close()
})

serving('what a worker had open is closed when it dies; what makes no sense is passed over', async () => {
  let open = 0
  const memory = new MemoryStore([['x', noise(100_000)]])
  const counting: ObjectStore = {
    label: 'counting',
    async open(name) {
      const object = await memory.open(name)
      open++
      return { size: object.size, read: (offset, length) => object.read(offset, length), close: () => void open-- }
    },
    stat: name => memory.stat(name),
    put: () => memory.put('y', noise(1)),
    list: () => memory.list(),
    delete: name => memory.delete(name),
  }
  const program = `require('node:worker_threads').parentPort.on('message', port => {
    for (const nonsense of [undefined, null, 7, 'x', {}, { id: 9, call: { op: 'none' } }]) port.postMessage(nonsense)
    port.postMessage({ notice: { op: 'store', store: 1, what: '' } })
    for (let id = 1; id <= 5; id++) port.postMessage({ id, call: { op: 'open', store: 1, name: 'x', object: id } })
  })`
  const worker = new Worker(program, { eval: true })
  const { port1, port2 } = new MessageChannel()
  serveBridge(port1, { stores: counting })
  worker.postMessage(port2, [port2 as never])
  const until = async (count: number) => {
    for (const end = Date.now() + 10_000; open !== count && Date.now() < end; ) {
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    assert.is(open, count)
  }
  await until(5)
  await worker.terminate()
  await until(0)
})

serving('and goes away', async () => {
  await server.stop()
})
serving.run()
