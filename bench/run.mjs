// Runs the benchmarks: `npm run bench` all of them, `npm run bench -- NAME ...` those whose name has a part.
// Each bench/*.bench.ts is bundled and run in a process of its own, one after the other. Exits 0 whether or not
// budgets are met (a benchmark is no test), 1 when a benchmark breaks.
// Peers are found on PATH or by COMPOSEFS_INFO and MKCOMPOSEFS (the C tools, 1.0.8) and BENCH_PEERS (a folder with a
// node_modules that has @zenfs/core); what is not there is skipped, and said to be.
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import esbuild from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const benchDir = join(root, 'bench')
// Below node_modules, so that packages resolve from there.
const outDir = join(root, 'node_modules/.cache/composefs-wasm-bench', String(process.pid))

const wanted = process.argv.slice(2)
const names = readdirSync(benchDir)
  .filter(file => file.endsWith('.bench.ts'))
  .map(file => file.slice(0, -'.bench.ts'.length))
  .sort()
const chosen = names.filter(name => wanted.length === 0 || wanted.some(part => name.includes(part)))
if (chosen.length === 0) {
  console.error(`no benchmark has such a name; there are: ${names.join(' ')}`)
  process.exit(1)
}

mkdirSync(outDir, { recursive: true })
await esbuild.build({
  entryPoints: chosen.map(name => join(benchDir, `${name}.bench.ts`)),
  outdir: outDir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  outExtension: { '.js': '.mjs' },
  logLevel: 'warning',
})

function runOne(name) {
  return new Promise(resolve => {
    const args = ['--expose-gc', '--no-warnings', join(outDir, `${name}.bench.mjs`)]
    const env = { ...process.env, COMPOSEFS_WASM_ROOT: root }
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', chunk => {
      process.stdout.write(chunk)
      output += chunk
    })
    child.on('close', code => resolve({ code, output }))
  })
}

console.log(`${new Date().toISOString().slice(0, 10)}  Node ${process.version}  ${os.type()} ${os.release()}`)
console.log(`${os.cpus().length} × ${os.cpus()[0]?.model.trim()}`)
const verdicts = []
let broken = 0
for (const name of chosen) {
  console.log(`\n== ${name} ==`)
  const { code, output } = await runOne(name)
  verdicts.push(...output.split('\n').filter(line => /^(met|MISSED|skip:)/.test(line)))
  if (code === 0) continue
  broken++
  console.log(`bench ${name} broke (exit ${code})`)
}
rmSync(outDir, { recursive: true, force: true })
console.log('\n== budgets ==')
for (const line of verdicts) console.log(line)
process.exitCode = broken === 0 ? 0 : 1
