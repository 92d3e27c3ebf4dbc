// Synchronous reads of a mount over HTTP in a real browser: in a worker of a page that is isolated from other origins by shared
// memory, in one of a page that is not by requests that block, on a page not at all.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import esbuild from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, merkleTree, TreeBuilder } from '../../src/node.js'
import { ROOT, skip } from '../helpers/paths.js'
import { noise, sha256 } from '../helpers/store-hash.js'
import type { Said, Task } from './bridge-page.js'
import { CHROMIUM, newPage, startChromium } from './chromium.js'

const test = suite('browser: bridges')

async function bundle(path: string): Promise<string> {
  const result = await esbuild.build({
    entryPoints: [`${ROOT}/${path}`],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
    // They are programs, though the package says that none of its files are.
    ignoreAnnotations: true,
  })
  return result.outputFiles[0].text
}

/** A tree whose files lie in the image and beside it, and what a server has to know of it. */
async function sample() {
  const builder = new TreeBuilder()
  const hashes: Record<string, string> = {}
  const sizes = [0, 10, 3000, 5000, 40_000, 300_000, 1_500_000]
  for (let dir = 0; dir < 6; dir++) {
    builder.addDirectory(`/dir${dir}`)
    sizes.slice(0, dir === 0 ? 7 : 5).forEach((size, at) => {
      const bytes = noise(size, dir * 10 + at)
      builder.addFile(`/dir${dir}/${at}`, bytes)
      hashes[`/dir${dir}/${at}`] = createHash('sha256').update(bytes).digest('hex')
    })
  }
  const store = new MemoryStore()
  const { image, digest } = await buildImage(builder, { store })
  const files = new Map<string, Uint8Array>([
    ['/image', image],
    ['/image.verity', merkleTree(image, sha256)],
  ])
  const objectNames: string[] = []
  for await (const name of store.list()) {
    const object = await store.open(name)
    const bytes = await object.read(0, object.size)
    objectNames.push(name)
    files.set(`/o/${name}`, bytes)
    if (bytes.length > 2 ** 20) files.set(`/o/${name}.verity`, merkleTree(bytes, sha256))
  }
  return { digest, files, objectNames, hashes }
}

const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

function answer(files: ReadonlyMap<string, string | Uint8Array>, headers: Readonly<Record<string, string>>) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? ''
    const body = files.get(path)
    const type = path === '/' ? 'text/html' : path.endsWith('.js') ? 'text/javascript' : 'application/x-object'
    if (body === undefined) {
      response.writeHead(404).end()
      return
    }
    const bytes = Buffer.from(body)
    const all = { ...headers, 'content-type': type, etag: `"${bytes.length}"` }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    if (first === undefined) response.writeHead(200, all).end(bytes)
    else if (Number(first) >= bytes.length)
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    else {
      const part = bytes.subarray(Number(first), Number(last) + 1)
      const range = `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`
      response.writeHead(206, { ...all, 'content-range': range }).end(part)
    }
  }
}

async function serve(files: ReadonlyMap<string, string | Uint8Array>, headers: Readonly<Record<string, string>>) {
  const server = createServer(answer(files, headers))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

async function addAll(executablePath: string): Promise<void> {
  const { digest, files, objectNames, hashes } = await sample()
  const html =
    '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/page.js">'
  const all = new Map<string, string | Uint8Array>([
    ...files,
    ['/', `${html}</script>`],
    ['/page.js', await bundle('test/browser/bridge-page.ts')],
    // Where the package looks for it: beside itself.
    ['/bridge-worker.js', await bundle('src/bridge/worker.main.ts')],
  ])
  const [isolated, open] = await Promise.all([serve(all, ISOLATED), serve(all, {})])
  const launched = startChromium(executablePath)

  const ask = async (origin: string, what: string): Promise<unknown> => {
    const page = await newPage(await launched)
    try {
      await page.goto(`${origin}/`)
      await page.waitForFunction('typeof overHttp === "function"')
      const task: Task = { image: `${origin}/image`, digest, objects: `${origin}/o`, objectNames }
      return await page.evaluate(`${what}(${JSON.stringify(task)}, '/page.js')`)
    } finally {
      await page.close()
    }
  }

  test('in a worker of an isolated page, by shared memory', async () => {
    const { missing, ...said } = (await ask(isolated.origin, 'inWorker')) as Said
    assert.equal(said, { isolated: true, shares: true, direct: false, sync: hashes, awaited: hashes, source: '1' })
    assert.match(missing, /^ENOENT /)
  })

  test('in a worker of another page, by requests that block', async () => {
    const { missing, ...said } = (await ask(open.origin, 'inWorker')) as Said
    assert.equal(said, { isolated: false, shares: false, direct: true, sync: hashes, awaited: hashes, source: '1' })
    assert.match(missing, /^ENOENT /)
  })

  test('on a page it is EAGAIN, and what lacks is said', async () => {
    for (const [{ origin }, isIsolated] of [
      [isolated, true],
      [open, false],
    ] as const) {
      const { sync, source, ...said } = (await ask(origin, 'overHttp')) as Said
      assert.equal(said, {
        isolated: isIsolated,
        shares: isIsolated,
        direct: true,
        awaited: hashes,
        missing: 'no form',
      })
      assert.match(String(sync), /^EAGAIN /)
      assert.match(source, /^ENOTSUP .*Cross-Origin-Opener-Policy/)
    }
  })

  test('a worker reads what its page keeps in IndexedDB', async () => {
    assert.equal(await ask(isolated.origin, 'toWorker'), hashes)
  })

  test('and goes away', async () => {
    await (await launched).close()
    isolated.close()
    open.close()
  })
}

if (CHROMIUM === undefined) skip(test, 'all of it', 'no chromium (CHROMIUM names one)')
else await addAll(CHROMIUM)
test.run()
