// Builds what a user installs: the WebAssembly core (asm/ -> wasm/), the bundled entries and commands (src/ -> dist/)
// and the type declarations.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const at = path => join(root, path)

/** asm/layout.ts: the struct table of src/format/structs.ts as the constants that the core is compiled with. */
async function writeLayout(esbuild) {
  const result = await esbuild.build({
    entryPoints: [at('src/format/structs.ts')],
    bundle: true,
    format: 'esm',
    write: false,
  })
  const { CORE_PAGES, layoutConstants } = await import(
    `data:text/javascript;base64,${Buffer.from(result.outputFiles[0].contents).toString('base64')}`
  )
  const lines = layoutConstants().map(([name, value]) => `export const ${name}: u32 = ${value}`)
  const text = `// Written by the build from src/format/structs.ts.\n${lines.join('\n')}\n`
  if (!existsSync(at('asm/layout.ts')) || readFileSync(at('asm/layout.ts'), 'utf8') !== text)
    writeFileSync(at('asm/layout.ts'), text)
  return CORE_PAGES
}

/** wasm/core.wasm and, as a module that any bundler and any host can load, wasm/core-bytes.ts. */
export async function buildCore() {
  const esbuild = await import('esbuild')
  const corePages = await writeLayout(esbuild)
  const { default: asc } = await import('assemblyscript/asc')
  const args = [
    'asm/index.ts',
    '-o',
    'wasm/core.wasm',
    '--runtime',
    'stub',
    '-O3',
    '--noAssert',
    '--importMemory',
    '--zeroFilledMemory',
    '--initialMemory',
    String(corePages),
    '--maximumMemory',
    '65536',
    '--use',
    'abort=',
  ]
  const { error, stderr } = await asc.main(args, {
    readFile: (name, base) => (existsSync(join(base, name)) ? readFileSync(join(base, name), 'utf8') : null),
    writeFile: (name, data, base) => writeFileSync(join(base, name), data),
    listFiles: (dir, base) =>
      existsSync(join(base, dir))
        ? readdirSync(join(base, dir)).filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))
        : null,
  })
  if (error) throw new Error(`asm/ does not compile:\n${stderr.toString()}`, { cause: error })
  const bytes = readFileSync(at('wasm/core.wasm')).toString('base64')
  writeFileSync(
    at('wasm/core-bytes.ts'),
    `// Written by the build from asm/.\nexport const CORE_BASE64 =\n  '${bytes}'\n`,
  )
}

async function bundle() {
  const esbuild = await import('esbuild')
  const { dependencies } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
  const shared = {
    bundle: true,
    format: 'esm',
    target: 'es2022',
    absWorkingDir: root,
    logLevel: 'warning',
    legalComments: 'none',
  }
  const external = Object.keys(dependencies).flatMap(name => [name, `${name}/*`])
  await esbuild.build({ ...shared, entryPoints: ['src/index.ts'], outdir: 'dist', platform: 'browser', external })
  await esbuild.build({ ...shared, entryPoints: ['src/node.ts'], outdir: 'dist', platform: 'node', external })
  // A command carries everything in one file: eighty small modules cost 60 ms at every start.
  const commands = existsSync(at('src/cli')) ? readdirSync(at('src/cli')).filter(name => name.endsWith('.main.ts')) : []
  // CommonJS starts some ten milliseconds sooner than a module does.
  const banner = { js: `#!/usr/bin/env node\nconst __url = require('node:url').pathToFileURL(__filename).href;` }
  mkdirSync(at('dist/bin'), { recursive: true })
  writeFileSync(at('dist/bin/package.json'), '{ "type": "commonjs" }\n')
  for (const name of commands) {
    const outfile = `dist/bin/${name.replace('.main.ts', '.js')}`
    await esbuild.build({
      ...shared,
      entryPoints: [`src/cli/${name}`],
      outfile,
      platform: 'node',
      format: 'cjs',
      define: { 'import.meta.url': '__url' },
      minify: true,
      banner,
    })
    chmodSync(at(outfile), 0o755)
  }
}

function declarations() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  const args = ['-p', '.ci/tsconfig.types.json']
  try {
    execFileSync(process.execPath, [tsc, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  } catch (error) {
    throw new Error(`types do not check:\n${error.stdout}`)
  }
}

export async function build() {
  rmSync(at('dist'), { recursive: true, force: true })
  mkdirSync(at('dist'), { recursive: true })
  await buildCore()
  await bundle()
  declarations()
  writeFileSync(at('dist/.built'), '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build()
