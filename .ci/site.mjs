// Builds the playground: a static site in dist/playground/, or in the folder that is named.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import esbuild from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'src/playground')

/**
 * What the page may do. Scripts and styles come from the site alone; what an image holds is shown by blob: URLs, as pictures; stores
 * and images may be anywhere. Nothing becomes HTML: Trusted Types allow the worker's URL and no markup.
 */
const CSP = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  'media-src blob:',
  "font-src 'self'",
  "connect-src 'self' https: http: blob:",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types composefs-scripts',
].join('; ')

export async function buildSite(out = join(root, 'dist/playground')) {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const shared = {
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    minify: true,
    absWorkingDir: root,
    legalComments: 'none',
    logLevel: 'warning',
    outdir: out,
    jsx: 'automatic',
    jsxImportSource: 'preact',
  }
  const entryPoints = {
    page: join(source, 'page/page.main.tsx'),
    engine: join(source, 'engine/worker.main.ts'),
  }
  await esbuild.build({ ...shared, entryPoints, splitting: true, chunkNames: 'parts/[name]-[hash]' })
  await esbuild.build({ ...shared, entryPoints: { page: join(source, 'page/styles/index.css') } })
  const html = readFileSync(join(source, 'index.html'), 'utf8').replace('%CSP%', CSP)
  writeFileSync(join(out, 'index.html'), html)
  for (const name of ['icon.svg', 'manifest.webmanifest']) copyFileSync(join(source, name), join(out, name))
  try {
    const { buildDemo } = await import('./demo.mjs')
    await buildDemo(join(out, 'demo'))
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildSite(process.argv[2] === undefined ? undefined : resolve(process.argv[2]))
}
