// Builds the playground: a static site in dist/playground/, or in the folder that is named.
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import esbuild from 'esbuild'
import { buildDemo } from './demo.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'src/playground')

/**
 * What the page may do. Scripts and styles come from the site alone; what an image holds is shown by blob: URLs, as pictures; stores
 * and images may be anywhere. Nothing becomes HTML: Trusted Types allow the workers' URLs and no markup.
 */
const CSP = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  // The terminal's library writes <style> elements.
  "style-src 'self' 'unsafe-inline'",
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
    alias: { 'node:zlib': join(source, 'engine/no-zlib.ts') },
  }
  const entryPoints = {
    page: join(source, 'page/page.main.tsx'),
    engine: join(source, 'engine/worker.main.ts'),
    search: join(source, 'engine/search.main.ts'),
    guest: join(source, 'engine/guest.main.ts'),
  }
  await esbuild.build({ ...shared, entryPoints, splitting: true, chunkNames: 'parts/[name]-[hash]' })
  await esbuild.build({ ...shared, entryPoints: { page: join(source, 'page/styles/index.css') } })
  const html = readFileSync(join(source, 'index.html'), 'utf8').replace('%CSP%', CSP)
  writeFileSync(join(out, 'index.html'), html)
  for (const name of ['icon.svg', 'manifest.webmanifest']) copyFileSync(join(source, name), join(out, name))
  await buildDemo(join(out, 'demo'))
  await esbuild.build({
    ...shared,
    format: 'iife',
    entryPoints: { 'service-worker': join(source, 'service-worker.main.ts') },
    define: { SITE_FILES: JSON.stringify(siteFiles(out)), 'process.env.NODE_ENV': '"production"' },
  })
}

/** Every file of the site with a hash of what is in it, as the service worker keeps them. */
function siteFiles(out) {
  return readdirSync(out, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .map(path => ({
      url: relative(out, path).split(sep).map(encodeURIComponent).join('/'),
      revision: createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16),
    }))
    .sort((a, b) => (a.url < b.url ? -1 : 1))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildSite(process.argv[2] === undefined ? undefined : resolve(process.argv[2]))
}
