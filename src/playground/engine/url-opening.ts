// What lies at a URL, found and looked at before it is opened: read by ranges where the server has them and nothing has to be checked
// as a whole, else fetched with progress. Failures are told apart here, since a browser says little of them. Not here: opening.

import type { ByteSource } from '../../source/byte-source.js'
import { HttpError } from '../../source/http-error.js'
import { HttpSource } from '../../source/http-source.js'
import { besideName, WHOLE_MAX } from '../../source/whole.js'
import { gunzip } from './gunzip.js'
import { CAN_BE_OPENED, HEAD as LOOKED_AT, type Recognised, recognise, recogniseHead } from './intake-recognise.js'
import type { Job } from './jobs.js'
import type { NetworkLog } from './network-log.js'
import { PlainError } from './plain-words.js'

/** Bytes that are fetched at a time. */
const PIECE = 1 << 18
/** Bytes that come with the first answer. */
const HEAD = 64 << 10
/** An image of fewer bytes comes sooner as a whole than block by block with its tree. */
const WHOLE_BELOW = 4 << 20
/** Tries after the first. */
const RETRIES = 2

export interface FoundAtUrl {
  readonly recognised: Recognised
  /** Read by ranges, or a Blob of all of it. */
  readonly bytes: ByteSource | Blob
  /** The Merkle tree beside it, where it is wanted and there. */
  readonly merkleTree?: ByteSource
}

/** The absolute form of an address. Throws for one that is not http(s). */
export function addressOf(text: string, base: string): string {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href
  throw new PlainError('EINVAL', `“${text}” is no web address. Give one that begins with https:// or http://.`)
}

/** The same without forms that block: the worker answers others meanwhile. */
function unblocking(source: ByteSource): ByteSource {
  return {
    size: source.size,
    read: (offset, length) => source.read(offset, length),
    close: () => source.close(),
  }
}

export class UrlOpening {
  readonly #url: string
  readonly #name: string
  readonly #job: Job
  readonly #network: NetworkLog

  constructor(url: string, name: string, job: Job, network: NetworkLog) {
    this.#url = url
    this.#name = name
    this.#job = job
    this.#network = network
  }

  /** `digest`: what all of it has to have. Throws a PlainError. */
  async find(digest?: string): Promise<FoundAtUrl> {
    try {
      return await this.#find(digest)
    } catch (error) {
      throw error instanceof HttpError ? await this.#inWords(error) : error
    }
  }

  async #find(digest: string | undefined): Promise<FoundAtUrl> {
    let byRange = false
    const client = this.#network.client('image', RETRIES, response => {
      // A server of another origin has to let this page see where in the file the bytes lie.
      byRange = response.status === 206 && response.headers.has('content-range')
    })
    const source = await HttpSource.open(client, this.#url, { head: HEAD })
    const lazy = byRange && (digest === undefined || source.size > WHOLE_BELOW)
    const recognised = recogniseHead(await source.read(0, LOOKED_AT))
    if (recognised.kind === undefined) {
      source.close()
      throw new PlainError(
        'EUCLEAN',
        `What lies at ${this.#url} is ${recognised.what}. Check the address. ${CAN_BE_OPENED}`,
      )
    }
    if (recognised.kind === 'tar' || recognised.kind === 'zip') {
      source.close()
      throw new PlainError(
        'ENOTSUP',
        `What lies at ${this.#url} is ${recognised.what}, and only images and dumps are opened by address. Fetch it yourself, and drop it here.`,
      )
    }
    if (recognised.kind === 'image' && lazy) {
      if (digest === undefined) return { recognised, bytes: unblocking(source) }
      const tree = await this.#tree()
      if (tree !== undefined) return { recognised, bytes: unblocking(source), merkleTree: unblocking(tree) }
    }
    const bytes = await this.#whole(source)
    return recognised.kind === 'gzip' ? this.#unpacked(bytes) : { recognised, bytes }
  }

  /** An image or dump that was packed by gzip. */
  async #unpacked(packed: Blob): Promise<FoundAtUrl> {
    const bytes = await gunzip(packed, this.#name, this.#job)
    const recognised = await recognise(bytes)
    if (recognised.kind === 'image' || recognised.kind === 'dump') return { recognised, bytes }
    throw new PlainError(
      'ENOTSUP',
      `What lies at ${this.#url} is a gzip file that holds something that is not opened by address: it is ${recognised.what}. Fetch it yourself, and drop it here.`,
    )
  }

  async #tree(): Promise<ByteSource | undefined> {
    try {
      return await HttpSource.open(this.#network.client('tree', RETRIES), besideName(this.#url), { head: HEAD })
    } catch (error) {
      if (error instanceof HttpError && (error.code === 'ENOENT' || error.code === 'EACCES')) return undefined
      throw error
    }
  }

  async #whole(source: ByteSource): Promise<Blob> {
    const { size } = source
    if (size > WHOLE_MAX) {
      source.close()
      throw new PlainError('EFBIG', `${this.#name} is too large to be fetched whole. Serve it with range requests.`)
    }
    try {
      const pieces: Uint8Array<ArrayBuffer>[] = []
      for (let at = 0; at < size; at += PIECE) {
        pieces.push((await source.read(at, Math.min(PIECE, size - at))) as Uint8Array<ArrayBuffer>)
        await this.#job.pause(at, size)
      }
      return new Blob(pieces)
    } finally {
      source.close()
    }
  }

  async #inWords(error: HttpError): Promise<PlainError> {
    const url = this.#url
    const { code, status } = error
    if (code === 'ENOENT') return new PlainError(code, `There is nothing at ${url} (${status}). Check the address.`)
    if (code === 'EACCES') {
      return new PlainError(
        code,
        `The server does not let you read ${url} (${status}). Ask its owner, or take another address.`,
      )
    }
    if (status !== undefined) {
      return new PlainError(code, `The server can’t give ${url} at the moment (${status}). Try again later.`)
    }
    if (code !== 'EIO')
      return new PlainError(code, `${url} can’t be read. Check the address and the connection. [${error.message}]`)
    return new PlainError(code, await this.#unreachable())
  }

  /** A browser does not say whether a server is not there, or is not to be read by this page: what can be seen of that. */
  async #unreachable(): Promise<string> {
    const { origin } = new URL(this.#url)
    const gone = `${origin} can’t be reached. Check the address and the connection.`
    if (origin === location.origin) return gone
    const allow = 'its owner has to allow this page to read from it (CORS: the header Access-Control-Allow-Origin)'
    const answers = await fetch(this.#url, { method: 'HEAD', mode: 'no-cors' }).then(
      () => true,
      () => false,
    )
    if (answers)
      return `The server at ${origin} answers, but ${allow}. Or fetch the file yourself, and open it from there.`
    // An isolated page sees no answer at all of a server that does not allow it.
    if (!crossOriginIsolated) return gone
    return `${origin} can’t be reached, or does not allow it. Check the address; if it is right, ${allow}.`
  }
}
