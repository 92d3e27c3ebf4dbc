// The official tests of preview1 on ours, and on Node's own WASI beside it: ours must pass them all. They are not in this repository:
// WASI_TESTSUITE names a checkout of the branch prod/testsuite-base of github.com/WebAssembly/wasi-testsuite, where they stand compiled;
// without it a folder of that name among the shared vectors is taken.
import { existsSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { runNodes, runOurs, type SuiteTest, suiteTests, type Verdict } from './testsuite.js'

/** Programs of the suite in each language: fewer are no checkout of it. */
const LEAST = 10

const testsuite = suite('the official wasi-testsuite')

const named = process.env['WASI_TESTSUITE'] ?? (SHARED === undefined ? undefined : vector('wasi-testsuite'))
const found = named === undefined || !existsSync(named) ? [] : suiteTests(named)

if (found.length === 0) {
  skip(testsuite, 'all of it', `no compiled tests (WASI_TESTSUITE=${process.env['WASI_TESTSUITE'] ?? ''})`)
} else {
  const failed: { test: SuiteTest; ours: Verdict; nodes: Verdict }[] = []
  for (const test of found) {
    const module = await WebAssembly.compile(readFileSync(test.program))
    failed.push({ test, ours: await runOurs(test, module), nodes: await runNodes(test, module) })
  }

  for (const language of ['assemblyscript', 'c', 'rust']) {
    testsuite(`${language}: every test passes`, () => {
      const these = failed.filter(({ test }) => test.name.startsWith(`${language} `))
      assert.ok(these.length >= LEAST, `${these.length} tests`)
      const others = these.filter(({ nodes }) => nodes === undefined)
      console.log(`note: ${language}: ${these.length} tests, of which node:wasi passes ${others.length}`)
      assert.equal(
        these.filter(({ ours }) => ours !== undefined).map(({ test, ours }) => `${test.name}: ${ours}`),
        [],
      )
    })
  }
}

testsuite.run()
