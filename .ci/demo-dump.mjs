// A tree as composefs dump text, by calls. Paths and names are path text: UTF-8, in which a byte that is not valid is a lone
// surrogate U+DC00 + byte. Not here: what is in the tree (demo-tree.mjs).

const FIFO = 0o010000
const CHARACTER = 0o020000
const DIRECTORY = 0o040000
const BLOCK = 0o060000
const FILE = 0o100000
const LINK = 0o120000
const SOCKET = 0o140000
/** Bytes up to which mkcomposefs puts a file into the image itself. */
const INLINE_MAX = 64

/** The bytes of path text. */
function pathBytes(text) {
  const parts = Array.from(text, c => {
    const code = c.codePointAt(0)
    return code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code & 0xff]) : Buffer.from(c, 'utf8')
  })
  return Buffer.concat(parts)
}

function escaped(bytes, also = '') {
  const text = Array.from(bytes, byte => {
    const c = String.fromCharCode(byte)
    return byte < 0x21 || byte > 0x7e || c === '\\' || also.includes(c) ? `\\x${byte.toString(16).padStart(2, '0')}` : c
  }).join('')
  return text === '-' ? '\\x2d' : text
}

const escapedPath = text => escaped(pathBytes(text))
const bytesOf = data => (typeof data === 'string' ? Buffer.from(data, 'utf8') : Buffer.from(data))

export class DemoDump {
  #entries = new Map()
  #objects
  #time

  /** `objects` takes the bytes of a file and answers its digest, 64 hex digits; `time` is that of all that names no other. */
  constructor(objects, time) {
    this.#objects = objects
    this.#time = time
    this.directory('/')
  }

  directory(path, attributes = {}) {
    this.#add(path, { type: DIRECTORY, mode: 0o755, ...attributes })
  }

  /** A directory with those above it. */
  directories(path) {
    const parts = path.split('/')
    for (let i = 2; i <= parts.length; i++) {
      const one = parts.slice(0, i).join('/')
      if (!this.#entries.has(one)) this.directory(one)
    }
  }

  file(path, data, attributes = {}) {
    const bytes = bytesOf(data)
    const inline = bytes.length <= INLINE_MAX
    const digest = inline ? undefined : this.#objects(bytes)
    this.#add(path, {
      type: FILE,
      mode: 0o644,
      size: bytes.length,
      content: inline && bytes.length > 0 ? escaped(bytes) : '-',
      payload: digest === undefined ? '-' : `${digest.slice(0, 2)}/${digest.slice(2)}`,
      digest,
      ...attributes,
    })
  }

  symlink(path, target) {
    const payload = escapedPath(target)
    this.#add(path, { type: LINK, mode: 0o777, size: pathBytes(target).length, payload })
  }

  /** A further name of a file. */
  hardLink(path, first) {
    const entry = this.#entries.get(first)
    entry.nlink++
    this.#add(path, { type: FILE, mode: entry.mode, first })
  }

  characterDevice(path, major, minor, attributes = {}) {
    this.#add(path, { type: CHARACTER, mode: 0o666, rdev: major * 256 + minor, ...attributes })
  }

  blockDevice(path, major, minor, attributes = {}) {
    this.#add(path, { type: BLOCK, mode: 0o660, rdev: major * 256 + minor, ...attributes })
  }

  fifo(path, attributes = {}) {
    this.#add(path, { type: FIFO, mode: 0o600, ...attributes })
  }

  socket(path, attributes = {}) {
    this.#add(path, { type: SOCKET, mode: 0o755, ...attributes })
  }

  /** Gives what is as it was in an earlier dump the time that it had there. */
  keepTimes(before) {
    const was = before.#byDirectory()
    const is = this.#byDirectory()
    for (const [path, entry] of this.#entries) {
      const earlier = before.#entries.get(path)
      if (earlier === undefined || was.get(path)?.join('/') !== is.get(path)?.join('/')) continue
      const now = { ...entry, time: earlier.time }
      if (this.#line(path, now) === before.#line(path, earlier)) entry.time = earlier.time
    }
  }

  /** Names in each directory. */
  #byDirectory() {
    const names = new Map()
    for (const path of this.#entries.keys()) {
      const cut = path.lastIndexOf('/')
      const directory = path.slice(0, cut) || '/'
      if (!names.has(directory)) names.set(directory, [])
      if (path !== '/') names.get(directory).push(path.slice(cut + 1))
    }
    return names
  }

  get count() {
    return this.#entries.size
  }

  text() {
    return Array.from(this.#entries, ([path, entry]) => `${this.#line(path, entry)}\n`).join('')
  }

  #add(path, entry) {
    if (this.#entries.has(path)) throw new Error(`${path}: twice`)
    this.#entries.set(path, { nlink: 1, uid: 0, gid: 0, size: 0, rdev: 0, time: this.#time, xattrs: {}, ...entry })
  }

  #line(path, entry) {
    const { type, mode, nlink, uid, gid, size, rdev, time, payload = '-', content = '-', digest = '-', first } = entry
    const bits = (type | mode).toString(8)
    if (first !== undefined) return `${escapedPath(path)} 0 @${bits} 1 0 0 0 0.0 ${escapedPath(first)} - -`
    const xattrs = Object.entries(entry.xattrs).map(
      ([name, value]) => ` ${escaped(bytesOf(name), '=')}=${escaped(bytesOf(value), '=')}`,
    )
    const facts = `${size} ${bits} ${nlink} ${uid} ${gid} ${rdev} ${time}.0`
    return `${escapedPath(path)} ${facts} ${payload} ${content} ${digest}${xattrs.join('')}`
  }
}
