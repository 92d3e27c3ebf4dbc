// Where the tests find things: this checkout, and the shared vectors where they stand beside it.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The checkout; the runner names it, since bundled tests run elsewhere. */
export const ROOT = process.env['COMPOSEFS_WASM_ROOT'] ?? process.cwd()

/** The folder of shared vectors, or undefined in a clone that has none beside it. */
export const SHARED = [process.env['COMPOSEFS_WASM_SHARED'], join(dirname(ROOT), 'shared')].find(
  path => path !== undefined && existsSync(join(path, 'vectors')),
)

export function vector(...parts: string[]): string {
  return join(SHARED ?? '', 'vectors', ...parts)
}

export function fixture(...parts: string[]): string {
  return join(ROOT, 'test/fixtures', ...parts)
}

interface Skippable {
  skip(name: string, run?: () => void): void
}

/** Skips a test and says why; the runner prints the line. */
export function skip(suite: Skippable, name: string, reason: string): void {
  console.log(`skip: ${name}: ${reason}`)
  suite.skip(name, () => {})
}
