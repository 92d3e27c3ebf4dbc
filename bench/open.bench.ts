// What opening and mounting cost, in time and memory: a resident image, mounts of an open one, memory against the
// entries visited.
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { mountSync, openImageSync } from '../src/node.js'
import { budget, bytes, heldBytes, milliseconds, percentile, sampleOf, table } from './measure.js'
import { allPaths, largeImage, scratch } from './subjects.js'

const OPENS = 15
const MOUNTS = 10_000
/** Byte offset of the superblock's uuid: any value will do, so it tells images apart. */
const UUID = 1024 + 48

/** Opening by path, as the package reads it; the file gets other bytes each time. */
function opening(file: string): void {
  const recycled: number[] = []
  const reads: number[] = []
  const opens: number[] = []
  const fd = openSync(file, 'r+')
  const fresh = Buffer.alloc(4)
  const { size } = fstatSync(fd)
  for (let i = 0; i < OPENS; i++) {
    fresh.writeUInt32LE(i + 1)
    writeSync(fd, fresh, 0, 4, UUID)
    let started = performance.now()
    readFileSync(file)
    recycled.push(performance.now() - started)
    started = performance.now()
    const memory = new WebAssembly.Memory({ initial: Math.ceil(size / 65536), maximum: 65536 })
    readSync(fd, new Uint8Array(memory.buffer), 0, size, 0)
    reads.push(performance.now() - started)
    started = performance.now()
    const image = openImageSync(file)
    opens.push(performance.now() - started)
    image.close()
  }
  closeSync(fd)
  const plain = sampleOf(recycled)
  const read = sampleOf(reads)
  const open = sampleOf(opens)
  console.log(`opening cs9-developer (${bytes(size)}, page cache warm), each time different bytes`)
  table(
    ['', 'best', 'median'],
    [
      ['readFileSync (whose buffers are recycled)', milliseconds(plain.best), milliseconds(plain.median)],
      ['the same read into fresh memory', milliseconds(read.best), milliseconds(read.median)],
      ['openImageSync(path)', milliseconds(open.best), milliseconds(open.median)],
    ],
  )
  // An image stays, so the memory that it is read into is new, and touching that costs more than the reading.
  const beyond = open.best - read.best
  budget(
    'open a resident image',
    '≤ 1 ms beyond reading it',
    `${milliseconds(beyond)} beyond the read into fresh memory (best)`,
    beyond <= 1,
  )
}

async function mounting(file: string): Promise<void> {
  const image = openImageSync(readFileSync(file))
  for (let i = 0; i < 2000; i++) mountSync(image).unmount()
  const before = await heldBytes()
  const mounts = new Array<ReturnType<typeof mountSync>>(MOUNTS)
  const times = new Float64Array(MOUNTS)
  for (let i = 0; i < MOUNTS; i++) {
    const started = performance.now()
    mounts[i] = mountSync(image)
    times[i] = performance.now() - started
  }
  const each = ((await heldBytes()) - before) / MOUNTS
  for (const m of mounts) m.unmount()
  const sorted = [...times].sort((a, b) => a - b)
  const median = percentile(sorted, 0.5)
  console.log(`${MOUNTS} mounts of one open image, all held`)
  table(
    ['', 'p50', 'p99', 'memory'],
    [['a mount', milliseconds(median), milliseconds(percentile(sorted, 0.99)), bytes(each)]],
  )
  budget('mount of an open image, time', '≤ 20 µs', milliseconds(median), median <= 0.02)
  budget('mount of an open image, memory', '≤ 2 KiB', bytes(each), each <= 2048)
}

/** Memory that a mount holds beyond the image: bounded, whatever is visited. */
async function visiting(file: string): Promise<void> {
  const paths = allPaths(readFileSync(file))
  const image = openImageSync(file)
  const m = mountSync(image)
  m.fs.lstatSync('/')
  const rows: string[][] = []
  const held: number[] = []
  const before = await heldBytes()
  for (const part of [0.1, 0.5, 1, 1, 1]) {
    const visited = Math.floor(paths.length * part)
    for (let i = 0; i < visited; i++) m.fs.lstatSync(paths[i])
    held.push((await heldBytes()) - before)
    rows.push([`${visited} entries`, bytes(held[held.length - 1])])
  }
  m.unmount()
  image.close()
  console.log('held by one mount after visiting, one round after the other')
  table(['', 'beyond the image'], rows)
  const most = Math.max(...held)
  const growth = held[4] - held[2]
  const text = `${bytes(most)} at most, ${bytes(growth)} more after two further rounds`
  budget('memory of a mount, everything visited', '≤ 2 MiB, then no growth', text, most <= 2 << 20 && growth <= 1 << 16)
}

const large = largeImage(scratch())
if (large !== undefined) {
  opening(large.file)
  await mounting(large.file)
  await visiting(large.file)
}
