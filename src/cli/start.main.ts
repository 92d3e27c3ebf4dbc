// What `npm start` runs: a real image mounted, listed, read and verified, with the time that each step took.

import { fileURLToPath } from 'node:url'
import { mountSync, openImageSync } from '../node.js'
import { writeAll } from './standard-output.js'

const WIDTH = 34

function print(line: string): void {
  writeAll(new TextEncoder().encode(`${line}\n`))
}

/** Does a step and says in one line what came of it. */
function step<T>(what: string, run: () => T, said: (result: T) => string): T {
  const before = performance.now()
  const result = run()
  const took = performance.now() - before
  print(`  ${what.padEnd(WIDTH)} ${`${took.toFixed(2)} ms`.padStart(10)}   ${said(result)}`)
  return result
}

function main(): void {
  // The bundle lies in dist/bin.
  const fixtures = fileURLToPath(new URL('../../test/fixtures/', import.meta.url))
  const path = `${fixtures}small.cfs`
  print(`composefs-wasm: ${path}`)
  print('an image that mkcomposefs wrote, and its object store beside it\n')
  const image = step(
    'open the image',
    () => openImageSync(path),
    it => `${it.format} version ${it.version}, ${it.byteLength} bytes, ${it.superblock.inos} inodes`,
  )
  const digest = step(
    'its fs-verity digest',
    () => image.digest(),
    it => it,
  )
  const m = step(
    'mount it, checked and verified',
    () => mountSync(image, { store: `${fixtures}objects`, digest, verity: 'on' }),
    () => 'as an fs',
  )
  const entries = step(
    'look at everything in it',
    () => [...image.entries()],
    all => `${all.length} entries`,
  )
  step(
    'list a directory through fs',
    () => m.fs.readdirSync('/project') as string[],
    names => names.join('  '),
  )
  const files = entries.filter(({ mode, path: at }) => (mode & 0o170000) === 0o100000 && !at.includes('\uFFFD'))
  const read = () => files.reduce((bytes, { path: at }) => bytes + (m.fs.readFileSync(at) as Uint8Array).length, 0)
  step('read every file, every byte checked', read, bytes => `${files.length} files, ${bytes} bytes`)
  step('read them all again', read, bytes => `${bytes} bytes`)
  const { path: longest } = files.reduce((a, b) => (b.size > a.size ? b : a))
  const text = m.fs.readFileSync(longest, 'utf8') as string
  print(
    `\n${longest} begins:\n${text
      .split('\n')
      .slice(0, 3)
      .map(line => `  | ${line}`)
      .join('\n')}`,
  )
  m.unmount()
  image.close()
  print(`
What to type next:
  node dist/bin/composefs.js ls -lR ${path}
  node dist/bin/composefs.js stat ${path} ${longest}
  node dist/bin/composefs.js cat ${path} ${longest} --basedir ${fixtures}objects
  node dist/bin/composefs.js verify ${path} --basedir ${fixtures}objects
  npm test`)
}

main()
