// A file of 200 MB on nginx on loopback, brought by HttpSource and HttpStore, against what curl and Node's bare fetch reach
// on the same link. The server shares the processors with who asks it, so the shares count, not the speeds.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { objectName } from '../src/format/hex.js'
import { verityDigest } from '../src/format/verity.js'
import { sha256 } from '../src/host/hash.js'
import { HttpClient } from '../src/source/http-client.js'
import { HttpSource } from '../src/source/http-source.js'
import { fetchWhole } from '../src/source/http-whole.js'
import { HttpStore } from '../src/store/http.js'
import { VerifiedObjects } from '../src/store/verified.js'
import { startNginx } from '../test/helpers/nginx.js'
import { noise } from '../test/helpers/store-hash.js'
import { settle, value } from '../test/helpers/store-verified.js'
import { budget, milliseconds, sampleOf, skipped, table } from './measure.js'
import { scratch } from './subjects.js'

const SIZE = 200_000_000
const ROUNDS = 9
const SHARE = 0.8

interface Contestant {
  readonly name: string
  run(): Promise<number>
}

async function interleaved(contestants: readonly Contestant[]) {
  const runs = new Map<string, number[]>(contestants.map(one => [one.name, []]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const { name, run } of contestants) {
      const started = performance.now()
      const came = await run()
      const took = performance.now() - started
      if (came !== SIZE) throw new Error(`${name}: ${came} bytes`)
      if (round >= 0) runs.get(name)?.push(took)
    }
  }
  return new Map([...runs].map(([name, all]) => [name, sampleOf(all)]))
}

async function inOrder(source: HttpSource, piece: number): Promise<number> {
  let at = 0
  while (at < source.size) at += (await source.read(at, piece)).length
  source.close()
  return at
}

const directory = scratch()
const data = noise(SIZE)
const digest = verityDigest(data, sha256)
const name = objectName(digest)
mkdirSync(join(directory, name, '..'), { recursive: true })
writeFileSync(join(directory, name), data)
const server = await startNginx({ root: directory })
if (server === undefined) skipped('HTTP', 'there is no nginx')
else {
  const url = `${server.url}/${name}`
  const client = new HttpClient()
  const store = new HttpStore(server.url, { client })
  const contestants: Contestant[] = [
    {
      name: 'curl to /dev/null',
      run: async () => {
        const { status } = spawnSync('curl', ['-sf', '-o', '/dev/null', url])
        return status === 0 ? SIZE : 0
      },
    },
    {
      name: 'bare fetch, bytes dropped',
      run: async () => {
        let came = 0
        const reader = (await fetch(url)).body?.getReader()
        for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read())
          came += next.value.length
        return came
      },
    },
    { name: 'bare fetch, arrayBuffer', run: async () => (await (await fetch(url)).arrayBuffer()).byteLength },
    {
      name: 'HttpSource, 1 MiB after the other',
      run: async () => inOrder(await HttpSource.open(client, url), 2 ** 20),
    },
    {
      name: 'HttpSource, 8 MiB after the other',
      run: async () => inOrder(await HttpSource.open(client, url), 2 ** 23),
    },
    { name: 'whole, in one buffer', run: async () => (await fetchWhole(client, url)).length },
    {
      name: 'HttpStore, whole and verified',
      run: async () => {
        const objects = new VerifiedObjects(store, sha256)
        const file = value(await settle(() => objects.open(name, { digest, size: SIZE }, false)))
        const all = value(await settle(() => file.readAll(false)))
        file.close()
        return all.length
      },
    },
  ]
  const samples = await interleaved(contestants)
  const best = (of: string) => samples.get(of)?.best ?? Number.NaN
  const [curl, dropped, buffered] = contestants.map(one => best(one.name))
  console.log(`${SIZE / 1e6} MB from nginx, best of ${ROUNDS} (median)`)
  table(
    ['', 'time', 'median', 'of curl', 'of fetch, dropped', 'of fetch, arrayBuffer'],
    [...samples].map(([who, sample]) => [
      who,
      milliseconds(sample.best),
      milliseconds(sample.median),
      ...[curl, dropped, buffered].map(other => `${((100 * other) / sample.best).toFixed(0)} %`),
    ]),
  )
  const share = (what: string, ours: string, theirs: string) => {
    const ratio = best(theirs) / best(ours)
    budget(what, `≥ ${SHARE * 100} %`, `${(ratio * 100).toFixed(0)} %`, ratio >= SHARE)
  }
  share('ranges, of a bare fetch', 'HttpSource, 1 MiB after the other', 'bare fetch, bytes dropped')
  share('whole, of a bare fetch into a buffer', 'whole, in one buffer', 'bare fetch, arrayBuffer')
  await server.stop()
}
