// WASI programs by the package in a real browser: on a page and in a worker, over an image and objects behind HTTP.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import esbuild from 'esbuild'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ServedDirectory } from '../../src/cli/served-files.js'
import { StaticServer } from '../../src/cli/static-server.js'
import { ROOT, skip } from '../helpers/paths.js'
import { guestProgram } from '../playground/guest-program.js'
import { programsWorld, TEXT } from '../playground/programs-world.js'
import { CHROMIUM, newPage, startChromium } from './chromium.js'
import type { WasiSaid, WasiTask } from './wasi-page.js'

const test = suite('browser: WASI')

/** The page's script and that of the package's own thread, as files of a folder. */
async function built(dir: string): Promise<void> {
  await esbuild.build({
    entryPoints: { page: `${ROOT}/test/browser/wasi-page.ts`, 'bridge-worker': `${ROOT}/src/bridge/worker.main.ts` },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: dir,
    logLevel: 'silent',
    ignoreAnnotations: true,
  })
}

if (CHROMIUM === undefined) skip(test, 'WASI in a browser', 'no Chromium')
else {
  const { dir, digest } = await programsWorld()
  await built(dir)
  writeFileSync(join(dir, 'program.wasm'), guestProgram())
  writeFileSync(join(dir, 'index.html'), '<!doctype html><script type="module" src="page.js"></script>')
  const browser = await startChromium(CHROMIUM)
  const isolated = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
  const places = [{ prefix: '/', files: new ServedDirectory(dir), typed: true }]
  const servers = [new StaticServer({ places, headers: isolated }), new StaticServer({ places, headers: {} })]
  const [shared, alone] = await Promise.all(servers.map(server => server.listen(0, '127.0.0.1')))

  const said = async (url: string, where: 'onPage' | 'inWorker', more: Partial<WasiTask>): Promise<WasiSaid> => {
    const page: Page = await newPage(browser)
    await page.goto(url)
    await page.waitForFunction(name => name in globalThis, where)
    const task: WasiTask = {
      program: `${url}program.wasm`,
      image: `${url}image.cfs`,
      digest,
      objects: `${url}objects`,
      args: ['f', '/data/text'],
      prefetch: false,
      ...more,
    }
    const answer = await page.evaluate(
      ([name, given, script]) =>
        (globalThis as unknown as Record<string, (task: WasiTask, script: string) => Promise<WasiSaid>>)[name](
          given,
          script,
        ),
      [where, task, `${url}page.js`] as const,
    )
    await page.close()
    return answer
  }

  for (const [name, url] of [
    ['isolated', shared],
    ['not isolated', alone],
  ] as const) {
    test(`in a worker of a page that is ${name} a program reads over HTTP what it asks for`, async () => {
      assert.equal(await said(url, 'inWorker', {}), { exitCode: 0, stdout: TEXT, stderr: '', lacked: false })
      const listed = await said(url, 'inWorker', { args: ['f', '/nothing'] })
      assert.equal(listed, { exitCode: 1, stdout: '', stderr: 'failed\n', lacked: false })
    })
  }

  test('on a page it reads what was brought before, and lacks the rest', async () => {
    assert.equal(await said(shared, 'onPage', { prefetch: true }), {
      exitCode: 0,
      stdout: TEXT,
      stderr: '',
      lacked: false,
    })
    const lacking = await said(shared, 'onPage', {})
    assert.is(lacking.lacked, true)
    assert.is(lacking.stdout, '')
  })

  test('stop', async () => {
    await browser.close()
    for (const server of servers) server.close()
  })
}
test.run()
