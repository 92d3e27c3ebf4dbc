// Maps of images for tests: made, and checked for what every map keeps to whatever the image.
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as assert from 'uvu/assert'
import { type ImageMap, mapOf } from '../../src/anatomy/anatomy.js'
import { Fault } from '../../src/format/errno.js'
import type { Image } from '../../src/image/image.js'
import { fixture, SHARED, vector } from './paths.js'

/** Bytes of an image file, compressed or not. */
export function imageBytes(path: string): Uint8Array<ArrayBuffer> {
  const bytes = readFileSync(path)
  return new Uint8Array(path.endsWith('.gz') ? gunzipSync(bytes) : bytes)
}

/** Name and path of every image of this checkout, and of the shared vectors where they are. */
export function imageFiles(): [string, string][] {
  const found: [string, string][] = [
    ['small.cfs', fixture('small.cfs')],
    ['small-v1.cfs', fixture('small-v1.cfs')],
    ['bench-500.cfs', fixture('bench-500.cfs.gz')],
    ['consumers.erofs', fixture('consumers.erofs.gz')],
  ]
  const folder = (path: string, end: string): void => {
    for (const name of readdirSync(path)) if (name.endsWith(end)) found.push([`${name} of ${path}`, `${path}/${name}`])
  }
  folder(fixture('erofs'), '.erofs.gz')
  if (SHARED === undefined) return found
  for (const name of ['tree.cfs', 'cs9-x86_64-developer.cfs.gz']) found.push([name, vector('composefs', name)])
  found.push(['tree.cfs-v1', vector('cfs-v1', 'tree.cfs-v1')])
  folder(vector('erofs'), '.erofs.gz')
  return found
}

/** Throws unless the ranges cover the file once, in order, and are found by every one of their first and last bytes. */
export function assertWhole(map: ImageMap, size: number): void {
  assert.is(map.byteLength, size)
  let at = 0
  for (let i = 0; i < map.count; i++) {
    if (map.start(i) !== at || map.end(i) <= at)
      throw new Error(`range ${i}: ${map.start(i)}…${map.end(i)} after ${at}`)
    at = map.end(i)
  }
  assert.is(at, size)
  const step = Math.max(1, Math.floor(map.count / 5000))
  for (let i = 0; i < map.count; i += step) {
    const found = [map.indexAt(map.start(i)), map.indexAt(map.end(i) - 1)]
    if (found[0] !== i || found[1] !== i) throw new Error(`range ${i} is found as ${found}`)
  }
  assert.is(map.rangeAt(size), undefined)
  assert.is(map.rangeAt(-1), undefined)
}

/** The map of an image, checked. */
export function wholeMap(image: Image): ImageMap {
  const map = mapOf(image)
  if (map instanceof Fault) throw new Error(`${map.code} ${map.detail}`)
  assertWhole(map, image.byteLength)
  return map
}
