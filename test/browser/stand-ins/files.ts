// Of node:fs and node:zlib what tests read their fixtures with: whoever serves the script (suite-driver.ts) is asked, and
// waited for. For a worker: a page may not wait for bytes.
import { Buffer } from './globals.js'

// Linux', as Node's are there.
export { constants } from '../../../src/vfs/constants.js'

function asked(call: string, path: string, body?: Uint8Array): Buffer {
  const request = new XMLHttpRequest()
  request.open('POST', `/host/${call}?${encodeURIComponent(path)}`, false)
  request.responseType = 'arraybuffer'
  request.send(body as Uint8Array<ArrayBuffer> | undefined)
  if (request.status !== 200) throw Object.assign(new Error(`${call} ${path}: ${request.status}`), { code: 'ENOENT' })
  return Buffer.from(request.response as ArrayBuffer)
}

export function readFileSync(path: string, options?: BufferEncoding | { encoding?: BufferEncoding }): unknown {
  const encoding = typeof options === 'object' ? options.encoding : options
  const bytes = asked('read', path)
  return encoding === undefined ? bytes : bytes.toString(encoding)
}

export function readdirSync(path: string): string[] {
  return JSON.parse(asked('list', path).toString()) as string[]
}

export function existsSync(path: string): boolean {
  return path !== '' && asked('exists', path).toString() === 'true'
}

export function gunzipSync(bytes: Uint8Array): Buffer {
  return asked('gunzip', '', bytes)
}

/** Tests make a folder at their top that only some of them use. */
export const mkdtempSync = (prefix: string): string => `${prefix}nowhere`

const readOnly = (): never => {
  throw new Error('nothing is written to from a browser')
}

export { readOnly as mkdirSync, readOnly as rmSync, readOnly as truncateSync, readOnly as writeFileSync }

export default { readFileSync, readdirSync, existsSync, mkdtempSync, rmSync: readOnly, writeFileSync: readOnly }
