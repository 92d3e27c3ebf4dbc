// The browser playground on a web server of this machine, with an image and a store of the host open in it: what is at which
// path, who may read it, and the link that opens it. Not here: the playground itself (src/playground), its command
// (playground.ts).

import fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toHex } from '../format/hex.js'
import { treeName } from '../store/object-name.js'
import { CommandError, failure } from './failure.js'
import { Measurer } from './measure.js'
import { ServedDirectory, ServedNames } from './served-files.js'
import type { Listening } from './serving.js'
import { type Place, StaticServer } from './static-server.js'
import { isUrl, localPath } from './url.js'

const WHAT = 'playground'
const IMAGE_PREFIX = '/local/image/'
const STORE_PREFIX = '/local/objects/'
/** As mkcomposefs names objects; with it what lies beside one, its Merkle tree. */
const OBJECT = /^[0-9a-f]{2}\/[^/]+$/
/** What the first line of a dump begins with. */
const DUMP_START = 0x2f

/** No other origin reads or frames anything of this one, which so can be isolated from all of them. */
const ISOLATED = {
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // What a page may do, its own policy says.
  'content-security-policy': `frame-ancestors 'none'`,
}

/** Files of the host are to be fetched, and are no pages, whatever they hold. */
const LOCAL = { 'content-security-policy': `default-src 'none'; sandbox; frame-ancestors 'none'` }

export interface PlaygroundOptions extends Listening {
  /** A path, or an http(s) URL. */
  readonly image?: string
  readonly store?: string
}

export interface Playground {
  /** Opens the page with image and store in it. */
  readonly url: string
  close(): void
}

/** The built site, beside the folder of the bundle, which is bin/ or bin/whole/. Throws a CommandError where there is none. */
function siteDirectory(): string {
  const bundles = dirname(fileURLToPath(import.meta.url))
  const site = join(basename(bundles) === 'whole' ? dirname(bundles) : bundles, '../playground')
  if (fs.existsSync(join(site, 'index.html'))) return site
  throw new CommandError(`${WHAT}: ${site}: the site is not there; 'npm run build' makes it`)
}

/** Where a browser of this machine finds a server; storage and threads it has for addresses of its own only. */
function asOwn(url: string): string {
  return url.replace(/^http:\/\/(?:0\.0\.0\.0|\[::\]):/, 'http://127.0.0.1:')
}

/** A value in a query, with what may stand there as it is. */
function queryValue(text: string): string {
  return encodeURIComponent(text).replace(/%2F/g, '/').replace(/%3A/g, ':')
}

/** What of image and store is at a path here, and what the page is told. */
class Link {
  readonly places: Place[] = []
  readonly #query = new Map<string, string>()

  async image(name: string): Promise<void> {
    if (this.#elsewhere('image', name)) return
    try {
      const path = fs.realpathSync(localPath(name))
      const stat = fs.statSync(path)
      if (stat.isDirectory()) throw new Error(`a directory; make an image of it with 'composefs build' first`)
      if (!stat.isFile()) throw new Error('not a regular file')
      const digest = await digestOf(path)
      const called = basename(localPath(name))
      const files = new ServedNames({ [called]: path, [treeName(called)]: treeName(path) })
      this.places.push({ prefix: IMAGE_PREFIX, files, typed: false, headers: LOCAL })
      this.#query.set('image', `${IMAGE_PREFIX.slice(1)}${encodeURIComponent(called)}`)
      if (digest !== undefined) this.#query.set('digest', digest)
    } catch (error) {
      throw failure(WHAT, name, error)
    }
  }

  store(name: string): void {
    if (this.#elsewhere('store', name)) return
    try {
      const files = new ServedDirectory(name, OBJECT)
      this.places.push({ prefix: STORE_PREFIX, files, typed: false, headers: LOCAL })
    } catch (error) {
      throw failure(WHAT, name, error)
    }
    this.#query.set('store', STORE_PREFIX.slice(1, -1))
  }

  /** Behind the site's address. */
  get query(): string {
    const parts = ['image', 'store', 'digest'].flatMap(key => {
      const value = this.#query.get(key)
      return value === undefined ? [] : [`${key}=${queryValue(value)}`]
    })
    return parts.length === 0 ? '' : `?${parts.join('&')}`
  }

  #elsewhere(key: string, name: string): boolean {
    if (!isUrl(name)) return false
    if (!/^https?:/i.test(name)) throw failure(WHAT, name, new Error('a page can read http and https URLs only'))
    this.#query.set(key, name)
    return true
  }
}

/** An image's fs-verity digest; undefined for a dump, which has none. Rejects with the host's error. */
async function digestOf(path: string): Promise<string | undefined> {
  const first = new Uint8Array(1)
  const fd = fs.openSync(path, fs.constants.O_RDONLY)
  try {
    fs.readSync(fd, first, 0, 1, 0)
  } finally {
    fs.closeSync(fd)
  }
  return first[0] === DUMP_START ? undefined : toHex(await new Measurer('sha256', 1).measure(path))
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}

/** Serves it. Rejects with a CommandError. */
export async function servePlayground(options: PlaygroundOptions): Promise<Playground> {
  const { image, store, port, fixed, host } = options
  const site = siteDirectory()
  const link = new Link()
  if (image !== undefined) await link.image(image)
  if (store !== undefined) link.store(store)
  const places = [...link.places, { prefix: '/', files: new ServedDirectory(site), typed: true }]
  const server = new StaticServer({ places, headers: ISOLATED, strict: true })
  try {
    const taken = (error: unknown) => {
      if (fixed || !isTaken(error)) throw error
      return server.listen(0, host)
    }
    const url = await server.listen(port, host).catch(taken)
    return { url: `${asOwn(url)}${link.query}`, close: () => server.close() }
  } catch (error) {
    throw failure(WHAT, `${host}:${port}`, error)
  }
}
