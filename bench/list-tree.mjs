// Lists a writable mount as `LC_ALL=C TZ=UTC ls -AlnR --time-style=full-iso .` lists the kernel's, less the `total` lines:
// node list-tree.mjs ENTRY IMAGE...  with the built package's entry, and the images topmost first. The output is written in
// large pieces. Not here: anything that is in the package; it is what a program would do with `fs`.
import { writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [entry, ...images] = process.argv.slice(2)
const { mountSync } = await import(pathToFileURL(entry).href)
const { fs } = mountSync(images, { writable: true })

const TYPES = { 1: 'p', 2: 'c', 4: 'd', 6: 'b', 8: '-', 10: 'l', 12: 's' }
const modes = new Map()

function modeText(mode) {
  let text = modes.get(mode)
  if (text !== undefined) return text
  const bit = (mask, letter) => ((mode & mask) !== 0 ? letter : '-')
  const last = (special, execute, letter) =>
    (mode & special) === 0 ? bit(execute, 'x') : (mode & execute) !== 0 ? letter : letter.toUpperCase()
  text =
    TYPES[mode >> 12] +
    bit(0o400, 'r') +
    bit(0o200, 'w') +
    last(0o4000, 0o100, 's') +
    bit(0o40, 'r') +
    bit(0o20, 'w') +
    last(0o2000, 0o10, 's') +
    bit(0o4, 'r') +
    bit(0o2, 'w') +
    last(0o1000, 0o1, 't')
  modes.set(mode, text)
  return text
}

const times = new Map()

/** Milliseconds say it as long as the time is whole seconds, as in the images of the benchmark. */
function timeText(ms) {
  let text = times.get(ms)
  if (text !== undefined) return text
  const iso = new Date(Math.floor(ms)).toISOString()
  const nsec = Math.round((ms - Math.floor(ms / 1000) * 1000) * 1e6)
  text = `${iso.slice(0, 10)} ${iso.slice(11, 19)}.${String(nsec).padStart(9, '0')} +0000`
  times.set(ms, text)
  return text
}

const major = dev => Math.floor(dev / 256) & 0xfff
const minor = dev => (dev & 0xff) | ((dev >>> 12) & 0xfff00)

/** Bytes of a piece of output; a line is far shorter. */
const PIECE = 1 << 18
const LINE_MAX = 1 << 14
const piece = Buffer.allocUnsafe(PIECE + LINE_MAX)
let filled = 0

function flush() {
  for (let done = 0; done < filled; ) done += writeSync(1, piece, done, filled - done)
  filled = 0
}

function print(text) {
  filled += piece.write(text, filled)
  if (filled > PIECE) flush()
}

const isDevice = mode => mode >> 12 === 2 || mode >> 12 === 6

/** Characters that the columns of a directory take: links, uid, gid, size. */
function widthsOf(stats) {
  let [nlink, uid, gid, size, majors, minors] = [0, 0, 0, 0, 0, 0]
  for (const s of stats) {
    if (s.nlink > nlink) nlink = s.nlink
    if (s.uid > uid) uid = s.uid
    if (s.gid > gid) gid = s.gid
    if (isDevice(s.mode)) {
      majors = Math.max(majors, String(major(s.rdev)).length)
      minors = Math.max(minors, String(minor(s.rdev)).length)
    } else if (s.size > size) size = s.size
  }
  const sizes = Math.max(String(size).length, majors === 0 ? 0 : majors + 2 + minors)
  return [String(nlink).length, String(uid).length, String(gid).length, sizes, minors]
}

function sizeText(s, width, minors) {
  if (!isDevice(s.mode)) return String(s.size).padStart(width)
  return `${String(major(s.rdev)).padStart(width - 2 - minors)}, ${String(minor(s.rdev)).padStart(minors)}`
}

/** Prints a directory; answers its subdirectories, last first. */
function list(path, below) {
  const names = fs.readdirSync(path === '' ? '/' : path)
  const stats = names.map(name => fs.lstatSync(`${path}/${name}`))
  const [links, uids, gids, sizes, minors] = widthsOf(stats)
  print(`.${path}:\n`)
  for (let i = 0; i < names.length; i++) {
    const s = stats[i]
    const type = s.mode >> 12
    const owner = `${String(s.uid).padStart(uids)} ${String(s.gid).padStart(gids)}`
    const end = type === 10 ? ` -> ${fs.readlinkSync(`${path}/${names[i]}`)}\n` : '\n'
    print(
      `${modeText(s.mode)} ${String(s.nlink).padStart(links)} ${owner} ${sizeText(s, sizes, minors)} ${timeText(s.mtimeMs)} ${names[i]}${end}`,
    )
  }
  for (let i = names.length - 1; i >= 0; i--) if (stats[i].mode >> 12 === 4) below.push(`${path}/${names[i]}`)
}

const stack = ['']
let first = true
while (stack.length > 0) {
  if (!first) print('\n')
  first = false
  list(stack.pop(), stack)
}
flush()
