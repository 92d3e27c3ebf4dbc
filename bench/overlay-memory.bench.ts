// Memory that an entry of an upper takes: empty files and directories made, lower files of which only metadata is copied up.
// Ours in memory and kept by a directory, memfs, ZenFS' copy-on-write; the JavaScript heap and what hangs outside of it.
import { bytes, heldBytes, table } from './measure.js'
import { scratch } from './subjects.js'
import { DIRECTORY, KERNEL, type LowerTree, type Opened, type WriteFs, writeSubjects, ZENFS } from './writable.js'

const PER_DIRECTORY = 100
const LOWER_FILES = 100_000
/** More takes ZenFS minutes, and a directory many seconds for its files. */
const SLOW_COUNT = 10_000
const COUNTS = [10_000, 100_000]

const directory = scratch()

interface Kind {
  readonly name: string
  readonly counts: readonly number[]
  readonly lower: LowerTree
  /** Whether all of its entries are there without what is below. */
  readonly anywhere: boolean
  run(fs: WriteFs, count: number): void
}

const at = (index: number) => `/d-${Math.floor(index / PER_DIRECTORY)}`

function spread(fs: WriteFs, count: number, make: (path: string) => void): void {
  for (let i = 0; i < count; i++) {
    if (i % PER_DIRECTORY === 0) fs.mkdirSync(at(i))
    make(`${at(i)}/entry-${i}`)
  }
}

const NOTHING: LowerTree = { directories: [], files: [] }
const BELOW: LowerTree = {
  directories: Array.from({ length: LOWER_FILES / PER_DIRECTORY }, (_, i) => at(i * PER_DIRECTORY)),
  files: Array.from({ length: LOWER_FILES }, (_, i) => `${at(i)}/entry-${i}`),
}

const KINDS: readonly Kind[] = [
  {
    name: 'empty files',
    counts: COUNTS,
    lower: NOTHING,
    anywhere: true,
    run: (fs, count) => spread(fs, count, path => fs.writeFileSync(path, '')),
  },
  {
    name: 'directories',
    counts: COUNTS,
    lower: NOTHING,
    anywhere: true,
    run: (fs, count) => spread(fs, count, path => fs.mkdirSync(path)),
  },
  {
    name: 'lower files, chmodded',
    counts: [LOWER_FILES],
    lower: BELOW,
    anywhere: false,
    run: (fs, count) => {
      for (let i = 0; i < count; i++) fs.chmodSync(`${at(i)}/entry-${i}`, 0o600)
    },
  },
]

async function held(opened: Opened, kind: Kind, count: number): Promise<number> {
  // What is made once, whatever the number.
  opened.fs.mkdirSync('/warm-up')
  opened.fs.writeFileSync('/warm-up/file', '')
  const before = await heldBytes()
  kind.run(opened.fs, count)
  const after = await heldBytes()
  // Used, so that it is still held.
  opened.fs.lstatSync('/warm-up/file')
  return (after - before) / count
}

const rows: string[][] = []
const names: string[] = []
for (const kind of KINDS) {
  const subjects = (await writeSubjects(kind.lower, directory, kind.anywhere)).filter(one => one.name !== KERNEL)
  for (const count of kind.counts) {
    const row = [`${count} ${kind.name}`]
    for (const subject of subjects) {
      if (!names.includes(subject.name)) names.push(subject.name)
      const takesLong = subject.slow || (subject.name === DIRECTORY && kind.anywhere)
      const isSkipped = (takesLong && count > SLOW_COUNT) || (!subject.layered && !kind.anywhere)
      if (isSkipped) {
        row.push('–')
        continue
      }
      const opened = await subject.open()
      row.push(bytes(await held(opened, kind, count)))
      opened.end()
    }
    rows.push(row)
  }
}
console.log(`memory an entry (${ZENFS} with more than ${SLOW_COUNT} takes minutes; memfs has nothing to copy up)`)
table(['', ...names], rows)
