// The package in a real browser: a page and a module worker answer the same questions (survey.ts) as Node, with the
// source bundled for browsers and with the built dist/ as a user's bundler takes it up. Chromium is driven by
// playwright-core; without one (CHROMIUM names it) the tests are skipped.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import esbuild from 'esbuild'
import type { Browser } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as nodeEntry from '../../src/node.js'
import { fixture, ROOT, skip } from '../helpers/paths.js'
import { readTruth } from '../helpers/truth.js'
import { CHROMIUM, newPage, startChromium } from './chromium.js'
import { type Question, survey } from './survey.js'

/** Of a page that only mounts, minified: what a new dependency must not double. Bytes. */
const MAX_MINIFIED = 332_000
const MAX_GZIPPED = 118_500

const temporary = mkdtempSync(join(tmpdir(), 'composefs-browser-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

/** A user's project that has the package installed: `composefs-wasm` resolves through its package.json. */
function installed(): string {
  const project = join(temporary, 'project')
  mkdirSync(join(project, 'node_modules'), { recursive: true })
  symlinkSync(ROOT, join(project, 'node_modules/composefs-wasm'))
  return project
}

const SOURCE = `${ROOT}/src/index.ts`
const project = installed()

const BUNDLE = {
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  write: false,
  logLevel: 'silent',
} as const

async function bundle(code: string): Promise<string> {
  const result = await esbuild.build({
    stdin: { contents: code, resolveDir: project, loader: 'ts' },
    ...BUNDLE,
  })
  assert.equal(result.warnings, [])
  return result.outputFiles[0].text
}

const SURVEY = `import { survey } from '${ROOT}/test/browser/survey.ts'`
const page = (entry: string) => `import * as pkg from '${entry}'\n${SURVEY}\nglobalThis.ask = q => survey(pkg, q)`
const worker = (entry: string) => `import * as pkg from '${entry}'\n${SURVEY}
onmessage = ({ data }) => survey(pkg, data).then(
  answer => postMessage({ answer }), error => postMessage({ error: String(error && error.stack || error) }))`

const HTML = `<!doctype html><meta charset="utf-8"><title>composefs-wasm</title><link rel="icon" href="data:,">`

const served = new Map<string, { type: string; body: string | Uint8Array }>([
  ['/', { type: 'text/html', body: HTML }],
  ['/small.cfs', { type: 'application/octet-stream', body: readFileSync(fixture('small.cfs')) }],
])

const objectNames = readdirSync(fixture('objects'), { recursive: true, encoding: 'utf8' }).filter(name =>
  /^[0-9a-f]{2}\/[0-9a-f]{62}$/.test(name),
)
for (const name of objectNames) {
  served.set(`/objects/${name}`, { type: 'application/octet-stream', body: readFileSync(fixture('objects', name)) })
}

const server = createServer((request, response) => {
  const found = served.get(request.url ?? '')
  if (found === undefined) response.writeHead(404).end()
  else response.writeHead(200, { 'content-type': found.type }).end(found.body)
})
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** The largest external file of the fixture, found by its truth, and which object holds it. */
async function question(): Promise<Question> {
  const truth = readTruth(fixture('small.truth.jsonl.gz')).filter(entry => entry.sha256 !== undefined)
  const largest = truth.reduce((a, b) => ((b.size ?? 0) > (a.size ?? 0) ? b : a))
  const content = objectNames.find(name => readFileSync(fixture('objects', name)).length === largest.size)
  assert.ok(content !== undefined && (largest.size ?? 0) > 2 * 4096)
  const image = await nodeEntry.openImage(fixture('small.cfs'))
  return {
    image: `${origin}/small.cfs`,
    digest: image.digest(),
    objects: `${origin}/objects/`,
    objectNames,
    missing: `${origin}/no-such-image`,
    external: largest.path,
    object: content,
    inline: '/hello.txt',
  }
}

const asked = await question()
const expected = await survey(nodeEntry, asked)

/** What a page loads before it asks for anything else: a bundle's entry and all that this imports at once. */
async function firstLoad(code: string): Promise<string> {
  const result = await esbuild.build({
    stdin: { contents: code, resolveDir: project, loader: 'ts' },
    ...BUNDLE,
    splitting: true,
    outdir: '/out',
    metafile: true,
  })
  const texts = new Map(result.outputFiles.map(({ path, text }) => [path.replace(/^.*\/out\//, ''), text]))
  const outputs = new Map(
    Object.entries(result.metafile.outputs).map(([path, out]) => [path.replace(/^.*out\//, ''), out]),
  )
  const wanted = new Set(['stdin.js'])
  for (const name of wanted) {
    for (const { path, kind } of outputs.get(name)?.imports ?? []) {
      if (kind === 'import-statement') wanted.add(path.replace(/^.*out\//, ''))
    }
  }
  return Array.from(wanted, name => texts.get(name) ?? assert.unreachable(name)).join('\n')
}

const smallest = await firstLoad(`import { mount } from 'composefs-wasm'\nglobalThis.mount = mount`)
const gzipped = gzipSync(smallest, { level: 9 }).length
console.log(`note: a page that imports { mount }: ${smallest.length} bytes minified, ${gzipped} gzipped`)

const built = suite('browser: bundles')

built('a page that only mounts stays small, and names no module of Node', () => {
  assert.ok(smallest.length <= MAX_MINIFIED && gzipped <= MAX_GZIPPED, `${smallest.length} bytes, ${gzipped} gzipped`)
  assert.not.match(smallest, /["']node:/)
})

built('Node itself is answered as the truth file says', () => {
  const truth = readTruth(fixture('small.truth.jsonl.gz'))
  const tree = expected['tree'] as Record<string, { mode: string; sha256?: string; promised?: string }>
  assert.is(Object.keys(tree).length, truth.length)
  const hashes = Object.values(tree).map(entry => `${entry.mode} ${entry.sha256}`)
  assert.equal(hashes.sort(), truth.map(entry => `${entry.mode} ${entry.sha256}`).sort())
  const { wrongDigest, alteredObject, rightObject } = expected['refusals'] as Record<string, { code: string }>
  assert.is(wrongDigest.code, 'EIO')
  assert.is(alteredObject.code, 'EIO')
  assert.is(rightObject as unknown, 'no error')
})

built('Node itself writes as it was told', () => {
  const { changes, restored, seen, objects, read, appended } = expected['writes'] as Record<string, unknown>
  const paths = (changes as { change: string; path: string }[]).map(({ change, path }) => `${change} ${path}`)
  assert.equal(paths, [
    'deleted /awkward/links',
    'modified /hello.txt',
    'added /made',
    'added /made/deep',
    'added /made/deep/file',
    'added /made/handle',
    'added /made/link',
    'added /made/second',
    'renamed /names',
    'modified /project',
  ])
  assert.equal(restored, changes)
  assert.ok((seen as string[]).includes('rename made') && (seen as string[]).includes('change hello.txt'), String(seen))
  assert.is((objects as string[]).length, 1)
  assert.is(read, 16000)
  assert.match(appended as string, /and more\n$/)
})
built.run()

const real = suite('browser: a page and a worker answer as Node does')

async function askPage(browser: Browser, script: string): Promise<unknown> {
  const tab = await newPage(browser)
  const complaints: string[] = []
  tab.on('pageerror', error => complaints.push(String(error)))
  tab.on('console', message => message.type() === 'error' && complaints.push(message.text()))
  try {
    await tab.goto(`${origin}/`)
    await tab.addScriptTag({ type: 'module', url: script })
    await tab.waitForFunction('typeof ask === "function"')
    const answer = await tab.evaluate(`ask(${JSON.stringify(asked)})`)
    // The image that is not there is the one thing a browser complains of.
    assert.equal(
      complaints.filter(text => !text.includes('404')),
      [],
    )
    return answer
  } finally {
    await tab.close()
  }
}

async function askWorker(browser: Browser, script: string): Promise<unknown> {
  const tab = await newPage(browser)
  try {
    await tab.goto(`${origin}/`)
    const said = (await tab.evaluate(`new Promise((resolve, reject) => {
      const worker = new Worker(${JSON.stringify(script)}, { type: 'module' })
      worker.onerror = event => reject(new Error(event.message))
      worker.onmessage = event => resolve(event.data)
      worker.postMessage(${JSON.stringify(asked)})
    })`)) as { answer?: unknown; error?: string }
    assert.is(said.error, undefined)
    return said.answer
  } finally {
    await tab.close()
  }
}

function addReal(executablePath: string): void {
  const launched = startChromium(executablePath)
  const entries: Record<string, string> = { source: SOURCE }
  if (existsSync(join(ROOT, 'dist/index.js'))) entries['built package'] = 'composefs-wasm'
  else skip(real, 'the built package', 'dist/ is not built (npm run build)')
  for (const [name, entry] of Object.entries(entries)) {
    const id = name.replaceAll(' ', '-')
    real(`${name}, in a page`, async () => {
      served.set(`/${id}-page.js`, { type: 'text/javascript', body: await bundle(page(entry)) })
      assert.equal(await askPage(await launched, `/${id}-page.js`), expected)
    })
    real(`${name}, in a module worker`, async () => {
      served.set(`/${id}-worker.js`, { type: 'text/javascript', body: await bundle(worker(entry)) })
      assert.equal(await askWorker(await launched, `/${id}-worker.js`), expected)
    })
  }
  real('and goes away', async () => {
    await (await launched).close()
    server.close()
  })
}

if (CHROMIUM === undefined) {
  skip(real, 'all of it', 'no chromium (CHROMIUM names one)')
  server.close()
} else addReal(CHROMIUM)
real.run()
