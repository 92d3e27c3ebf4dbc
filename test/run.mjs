// Runs the test files and adds up their results: `node test/run.mjs [PART OF A NAME ...]`.
// Each file is bundled and run in a process of its own, four at a time: the long ones first,
// those that measure last, each alone. Ends with `N passed, N failed, N skipped`.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import esbuild from 'esbuild'

const TIMEOUT_MS = 600_000
/** Twice the processors that are reckoned with: who drives a browser, or asks a server, waits much. */
const LANES = 4
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const testDir = join(root, 'test')
// Below node_modules, so that packages resolve from there.
const outDir = join(root, 'node_modules/.cache/composefs-wasm-tests', String(process.pid))

const wanted = process.argv.slice(2)
const files = readdirSync(testDir, { recursive: true })
  .filter(name => name.endsWith('.test.ts') && (wanted.length === 0 || wanted.some(part => name.includes(part))))
  .sort()
if (files.length === 0) {
  console.error('no test file matches')
  process.exit(1)
}

mkdirSync(outDir, { recursive: true })
await esbuild.build({
  entryPoints: files.map(name => join(testDir, name)),
  outdir: outDir,
  outbase: testDir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'inline',
  outExtension: { '.js': '.mjs' },
  logLevel: 'warning',
})

// Built once for all tests of the playground.
const site = files.some(name => name.startsWith('playground/')) ? join(outDir, 'site') : ''
if (site !== '') await (await import('../.ci/site.mjs')).buildSite(site)

function runOne(name) {
  return new Promise(resolve => {
    const args = ['--enable-source-maps', '--expose-gc', '--no-warnings', join(outDir, name.replace(/\.ts$/, '.mjs'))]
    const env = { ...process.env, FORCE_COLOR: '0', COMPOSEFS_WASM_ROOT: root, COMPOSEFS_WASM_SITE: site }
    const child = spawn(process.execPath, args, {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
    })
    let output = ''
    const keep = chunk => {
      output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    child.on('close', (code, signal) => resolve({ name, code, signal, output }))
  })
}

function count(output, label) {
  let sum = 0
  for (const match of output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))) sum += Number(match[1])
  return sum
}

const totals = { passed: 0, failed: 0, skipped: 0 }
/** Files whose figures another one beside them would spoil. */
const MEASURING = /^playground\/(?:figures|open-speed)\.test\.ts$/

async function worker(queue) {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const started = performance.now()
    const { code, signal, output } = await runOne(name)
    const total = count(output, 'Total')
    const passed = count(output, 'Passed')
    const skipped = count(output, 'Skipped')
    // A file that died, or that ran nothing at all, has failed even if uvu counted no failure.
    const failed = Math.max(total - passed, code === 0 && total + skipped > 0 ? 0 : 1)
    totals.passed += passed
    totals.failed += failed
    totals.skipped += skipped
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(
      `${failed === 0 ? 'ok  ' : 'FAIL'} ${relative(root, join(testDir, name))}  ${passed} passed, ${failed} failed, ${skipped} skipped  (${seconds} s)`,
    )
    if (failed > 0) console.log(`${output}${signal ? `\nended by ${signal}` : ''}`)
    // What a test says may stand behind a suite's name and uvu's dots.
    else
      for (const [, line] of output.matchAll(/^(?:.*(?:[•✘]| ) )?((?:skip|note): .*)$/gm)) console.log(`     ${line}`)
  }
}
/** Files that drive a browser: they take longest, and what begins late is waited for. */
const LONG = /^(?:playground|browser)\//
const others = files.filter(name => !MEASURING.test(name))
const queue = [...others.filter(name => LONG.test(name)), ...others.filter(name => !LONG.test(name))]
await Promise.all(Array.from({ length: LANES }, () => worker(queue)))
await worker(files.filter(name => MEASURING.test(name)))
rmSync(outDir, { recursive: true, force: true })
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exitCode = totals.failed === 0 ? 0 : 1
