// Images that are wide: what browsing has to bear. Built here by our own writer. Not here: any test.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildImage } from '../../src/node.js'

/** The folder with many entries. */
export const MANY = 100_000
/** Folders beside it, and files in each of them: a million entries with all that. */
const [FOLDERS, EACH] = [1000, 899]

export interface WideImage {
  readonly file: string
  /** Entries, the root not among them. */
  readonly entries: number
}

const digits = (value: number, width: number) => String(value).padStart(width, '0')

function lineOf(path: string, mode: string, size: number, time: number, content = '-'): string {
  return `${path} ${size} ${mode} 1 0 0 0 ${time}.0 - ${content} -`
}

/** /many with MANY entries; with `million` as many more in a thousand folders that it is a million. Gone with the process. */
export async function wideImage(million: boolean): Promise<WideImage> {
  const lines = [lineOf('/', '40755', 0, 0), lineOf('/many', '40755', 0, 0)]
  for (let i = 0; i < MANY; i++) {
    const size = (i * 37) % 50
    lines.push(lineOf(`/many/entry-${digits(i, 6)}.txt`, '100644', size, (i * 7919) % MANY, 'x'.repeat(size) || '-'))
  }
  for (let i = 0; i < (million ? FOLDERS : 0); i++) {
    const dir = `/part-${digits(i, 4)}`
    lines.push(lineOf(dir, '40755', 0, i))
    for (let j = 0; j < EACH; j++)
      lines.push(lineOf(`${dir}/piece-${digits(i, 4)}-${digits(j, 4)}.bin`, '100644', 0, j))
  }
  const dir = mkdtempSync(join(tmpdir(), 'composefs-wide-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, million ? 'million.cfs' : 'many.cfs')
  writeFileSync(file, (await buildImage({ dump: `${lines.join('\n')}\n` })).image)
  return { file, entries: lines.length - 1 }
}
