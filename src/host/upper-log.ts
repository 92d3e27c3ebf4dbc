// The log of an upper that a directory keeps: a file of lines, each what one operation has changed. Not here: what the records
// in it say (src/overlay/upper-record.ts), and where bytes of files are (upper-bodies.ts).
//
//   composefs-wasm upper 1
//   CRC32 of the rest of the line, 8 hex digits, a space, a JSON array of records
//   …
//
// The first lines are what there was when the log was written, up to a line without records; then each is an operation's. A line
// is written by one call. One that is cut off, or was not all there when the machine stopped, is the last: it is left out, and so
// what a line says has happened whole or not at all.

import fs from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { Fault, type Outcome } from '../format/errno.js'
import { hostFault, syncDirectory } from './upper-bodies.js'

const HEAD = 'composefs-wasm upper 1\n'
const MODE = 0o600
const CRC_DIGITS = 8
const LF = 0x0a
/** Records that stand in one line of a log that is written anew. */
const LINE_RECORDS = 512
const { O_RDONLY, O_RDWR, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants

function lineOf(records: readonly unknown[]): Buffer {
  const json = Buffer.from(JSON.stringify(records))
  const crc = crc32(json).toString(16).padStart(CRC_DIGITS, '0')
  return Buffer.concat([Buffer.from(`${crc} `), json, Buffer.of(LF)])
}

/** The records of a line without its end; undefined for one that is damaged. */
function recordsOf(line: Buffer): readonly unknown[] | undefined {
  const json = line.subarray(CRC_DIGITS + 1)
  if (line.toString('latin1', 0, CRC_DIGITS + 1) !== `${crc32(json).toString(16).padStart(CRC_DIGITS, '0')} `)
    return undefined
  try {
    const records: unknown = JSON.parse(json.toString('utf8'))
    return Array.isArray(records) ? records : undefined
  } catch {
    return undefined
  }
}

function readWhole(path: string): Outcome<Buffer> {
  let fd = -1
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    if (!fs.fstatSync(fd).isFile()) return new Fault('EUCLEAN', `${path}: no regular file`)
    return fs.readFileSync(fd)
  } catch (error) {
    return hostFault(error, 'read')
  } finally {
    if (fd >= 0) fs.closeSync(fd)
  }
}

export interface ReadLog {
  readonly records: readonly unknown[]
  /** Bytes up to where it is whole. */
  readonly end: number
}

/** All records of a log. ENOENT, EIO; EUCLEAN for a file that is no log, or is damaged before its end. */
export function readLog(path: string): Outcome<ReadLog> {
  const bytes = readWhole(path)
  if (bytes instanceof Fault) return bytes
  if (bytes.toString('latin1', 0, HEAD.length) !== HEAD) return new Fault('EUCLEAN', `${path}: is no log of an upper`)
  const records: unknown[] = []
  let end = HEAD.length
  let isWhole = false
  for (let at = end; at < bytes.length; ) {
    const lf = bytes.indexOf(LF, at)
    const line = lf < 0 ? undefined : recordsOf(bytes.subarray(at, lf))
    if (line === undefined) {
      if (isTail(bytes.subarray(at))) break
      return new Fault('EUCLEAN', `${path}: damaged at byte ${at}`)
    }
    if (line.length === 0) isWhole = true
    for (const record of line) records.push(record)
    at = lf + 1
    end = at
  }
  if (!isWhole) return new Fault('EUCLEAN', `${path}: cut off at byte ${end}, in what was there first`)
  return { records, end }
}

/** Whether nothing that is whole follows the first line. */
function isTail(rest: Buffer): boolean {
  for (let at = rest.indexOf(LF) + 1; at > 0; ) {
    const lf = rest.indexOf(LF, at)
    if (lf < 0) return true
    if (recordsOf(rest.subarray(at, lf)) !== undefined) return false
    at = lf + 1
  }
  return true
}

/** A log that is written on. */
export class LogFile {
  readonly #fd: number
  #end: number
  #unsyncedName = false
  readonly #path: string

  private constructor(path: string, fd: number, end: number) {
    this.#path = path
    this.#fd = fd
    this.#end = end
  }

  /** Bytes of it. */
  get size(): number {
    return this.#end
  }

  /** Opens one behind what is whole of it. Throws the host's error. */
  static open(path: string, end: number): LogFile {
    const fd = fs.openSync(path, O_RDWR | O_NOFOLLOW)
    fs.ftruncateSync(fd, end)
    return new LogFile(path, fd, end)
  }

  /** Writes one that holds just these records, which takes the place of what was there. Throws the host's error. */
  static write(path: string, records: Iterable<unknown>): LogFile {
    const temporary = `${path}.new`
    fs.rmSync(temporary, { force: true })
    const fd = fs.openSync(temporary, 'wx+', MODE)
    try {
      const log = new LogFile(path, fd, 0)
      log.#write(Buffer.from(HEAD))
      let line: unknown[] = []
      for (const record of records) {
        if (line.push(record) < LINE_RECORDS) continue
        log.#write(lineOf(line))
        line = []
      }
      if (line.length > 0) log.#write(lineOf(line))
      log.#write(lineOf([]))
      fs.fsyncSync(fd)
      fs.renameSync(temporary, path)
      // From here on it is the log, whether its name lasts or not: the other had the same to say, so far.
      log.#unsyncedName = syncDirectory(dirname(path)) !== undefined
      return log
    } catch (error) {
      fs.closeSync(fd)
      fs.rmSync(temporary, { force: true })
      throw error
    }
  }

  #write(bytes: Buffer): void {
    let done = 0
    while (done < bytes.length) done += fs.writeSync(this.#fd, bytes, done, bytes.length - done, this.#end + done)
    this.#end += bytes.length
  }

  /** A line for what one operation has changed; what could not be written whole is taken back. */
  append(records: readonly unknown[]): Fault | undefined {
    try {
      this.#write(lineOf(records))
      return undefined
    } catch (error) {
      this.#cut()
      return hostFault(error, 'write')
    }
  }

  /** What stays there of a line is overwritten by the next, and cut off by the next that opens it. */
  #cut(): void {
    try {
      fs.ftruncateSync(this.#fd, this.#end)
    } catch {}
  }

  sync(): Fault | undefined {
    try {
      fs.fdatasyncSync(this.#fd)
      const failed = this.#unsyncedName ? syncDirectory(dirname(this.#path)) : undefined
      this.#unsyncedName = failed !== undefined
      return failed
    } catch (error) {
      return hostFault(error, 'fsync')
    }
  }

  close(): void {
    fs.closeSync(this.#fd)
  }
}
