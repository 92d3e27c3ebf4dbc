// Code of a test as a script for a page or a worker.
import esbuild from 'esbuild'
import { ROOT } from '../helpers/paths.js'

export async function bundled(code: string): Promise<string> {
  const result = await esbuild.build({
    stdin: { contents: code, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  })
  return result.outputFiles[0].text
}
