// Makes the map of an image: a survey of what its structures claim, who gets which byte, and what is left. A generator, so that
// a worker can answer others meanwhile. Not here: the map itself (image-map.ts).

import { nonZero } from '../../wasm/core-pieces.js'
import { PIECE_KINDS } from '../format/anatomy-structs.js'
import { Fault, type Outcome } from '../format/errno.js'
import type { Image } from '../image/image.js'
import { Claims } from './claims.js'
import { cover } from './cover.js'
import { ImageMap } from './image-map.js'
import { Survey } from './survey.js'

/** Larger images have more slots for inodes than 32 bits count. */
const SIZE_MAX = 2 ** 36
/** Ranges between two stops. */
const STEPS = 65536
const PADDING = PIECE_KINDS.indexOf('padding')
const UNCLAIMED = PIECE_KINDS.indexOf('unclaimed')
const UNREAD = PIECE_KINDS.indexOf('unread')

/**
 * Makes the map, and stops now and then to say how far it is (0 to 1). The image may be asked other things meanwhile. ENOTSUP
 * for a lazy image, since all of it would have to be fetched; ESTALE where it is closed.
 */
export function* mapSteps(image: Image): Generator<number, Outcome<ImageMap>> {
  if (image.lazy) return new Fault('ENOTSUP', 'the image is opened lazily: its map would fetch all of it')
  if (image.byteLength > SIZE_MAX) return new Fault('EFBIG', `an image of ${image.byteLength} bytes`)
  if (image.closed) return new Fault('ESTALE')
  const survey = new Survey(image)
  for (const part of survey.run()) {
    yield part * 0.7
    if (image.closed) return new Fault('ESTALE')
  }
  const covering = cover(image.byteLength, survey.claims)
  let covered = covering.next()
  for (; !covered.done; covered = covering.next()) {
    yield 0.8
    if (image.closed) return new Fault('ESTALE')
  }
  const { ranges, also } = covered.value
  const whole = yield* withGaps(image, ranges, survey.unread ? UNREAD : UNCLAIMED)
  return whole instanceof Fault ? whole : new ImageMap(image.byteLength, whole, also, survey)
}

/** The ranges and, between them, what nobody claims. */
function* withGaps(image: Image, ranges: Claims, left: number): Generator<number, Outcome<Claims>> {
  const size = image.byteLength
  const out = new Claims(size)
  const full = { from: 0, to: 0 }
  let at = 0
  for (let i = 0; i <= ranges.length; i++) {
    const next = i < ranges.length ? ranges.starts[i] : size
    if (next > at) {
      const r = nonZero(image.core, at, next, full)
      if (r < 0) return image.fault(r, 'zeros')
      if (full.from > at) out.add(at, full.from, PADDING, 0)
      if (full.to > full.from) out.add(full.from, full.to, left, 0)
      if (next > full.to && full.to > full.from) out.add(full.to, next, PADDING, 0)
    }
    if (i === ranges.length) break
    out.add(next, ranges.ends[i], ranges.kinds[i], ranges.owners[i])
    at = ranges.ends[i]
    if (i % STEPS !== STEPS - 1) continue
    yield 0.8 + (0.2 * i) / ranges.length
    if (image.closed) return new Fault('ESTALE')
  }
  return out
}

/** The map, without stopping. */
export function mapOf(image: Image): Outcome<ImageMap> {
  const steps = mapSteps(image)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
