// What lies at an address and is no plain image: unpacked, or told of in a sentence. Not here: the network as the page shows it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage } from '../../src/node.js'
import { Engine } from '../../src/playground/engine/engine.js'
import { SearchIndex } from '../../src/playground/engine/search-index.js'

const DUMP = '/ 0 40755 2 0 0 0 0.0 - - -\n/a 2 100644 1 0 0 0 0.0 - hi -\n'
const { image } = await buildImage({ dump: DUMP })
const tar = await packTar([{ header: { name: 'a', size: 2, type: 'file' }, body: 'hi' }])
const FILES: Readonly<Record<string, Uint8Array>> = {
  '/image.cfs.gz': gzipSync(image),
  '/dump.gz': gzipSync(DUMP),
  '/a.tar': tar,
  '/a.tar.gz': gzipSync(tar),
  '/broken.gz': gzipSync(image).subarray(0, 30),
}

const server = createServer((request, response) => {
  const bytes = FILES[request.url ?? '']
  response.writeHead(bytes === undefined ? 404 : 200, { 'content-length': bytes?.length ?? 0 })
  response.end(request.method === 'HEAD' ? undefined : bytes)
})
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
server.unref()
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

const byAddress = suite('opened by address')

async function opened(name: string): Promise<string> {
  const engine = new Engine(base, () => ({ calls: new SearchIndex(), end: () => undefined }))
  try {
    const { id } = await engine.documents.openUrl({ image: name })
    return (await engine.files.text(id, '/a', 'utf-8', 0)).text
  } catch (error) {
    assert.is(engine.documents.infos().length, 0)
    return (error as Error).message
  }
}

byAddress('an image and a dump that gzip has packed are opened', async () => {
  assert.is(await opened('image.cfs.gz'), 'hi')
  assert.is(await opened('dump.gz'), 'hi')
})

byAddress('archives are told of', async () => {
  for (const name of ['a.tar', 'a.tar.gz'])
    assert.match(await opened(name), /^What lies at http.* is .*a tar.* Fetch it yourself, and drop it here\.$/)
  assert.match(await opened('broken.gz'), /^broken\.gz is damaged or cut short\./)
})

byAddress.run()
