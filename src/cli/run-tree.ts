// The tree that a program is run on: images, what is elsewhere read through a thread that can be waited for, and an upper where it
// may be changed. Not here: the program.

import type { LimitOptions } from '../format/limits.js'
import { sha256 } from '../host/hash.js'
import { DirectoryUppers } from '../host/upper-directory.js'
import type { Image } from '../image/image.js'
import type { Layer } from '../overlay/layer.js'
import { imageLayer } from '../overlay/limited-layer.js'
import type { LayerNode } from '../overlay/lower.js'
import { memoryUpper } from '../overlay/memory-upper.js'
import { MergedTree } from '../overlay/merged-tree.js'
import { Overlay } from '../overlay/overlay.js'
import { VerifiedObjects } from '../store/verified.js'
import { failure } from './failure.js'
import { openStore } from './layers.js'
import { checkDigest, ImageFiles } from './open.js'
import type { BridgedPlaces } from './run-remote.js'
import { overlayOptions } from './upper.js'
import { isUrl } from './url.js'

export interface TreeOptions {
  /** Paths or URLs, topmost first. */
  readonly images: readonly string[]
  readonly basedir: string | undefined
  /** Of the topmost image. */
  readonly digest: string | undefined
  /** Paths or URLs of further devices of the topmost image. */
  readonly devices: readonly string[]
  readonly limits: LimitOptions
  readonly upper: string | undefined
  /** An `upper` says so too. */
  readonly writable: boolean
}

export interface RunTree {
  readonly layer: Layer
  /** Where it can be changed. */
  readonly changed: MergedTree | undefined
  /** Writes down what is left for an upper that lasts. Throws a CommandError. */
  close(): void
}

type Places = BridgedPlaces | undefined

function objectsOf(places: Places, basedir: string | undefined): VerifiedObjects | undefined {
  const isElsewhere = places !== undefined && basedir !== undefined && isUrl(basedir)
  return isElsewhere ? new VerifiedObjects(places.store(basedir), sha256) : openStore(basedir)
}

async function imagesOf(places: Places, { images, digest, devices, limits }: TreeOptions): Promise<Image[]> {
  checkDigest(digest)
  const [top, below] = [new ImageFiles({ limits, devices }), new ImageFiles({ limits })]
  const opened: Image[] = []
  for (const [i, name] of images.entries()) {
    const own = i === 0 ? { digest, devices } : { digest: undefined, devices: [] }
    const isElsewhere = places !== undefined && [name, ...own.devices].some(isUrl)
    const files = i === 0 && devices.length > 0 ? top : below
    const opening = isElsewhere
      ? places.image(name, { ...own, ...limits })
      : files.openAny(name, { digest: own.digest })
    opened.push(await opening)
  }
  return opened
}

type Merged = Pick<RunTree, 'changed' | 'close'> & { readonly layer: Layer<LayerNode> }

function merged(layers: readonly Layer<LayerNode>[], { upper, writable, limits }: TreeOptions): Merged {
  const overlay = overlayOptions(limits)
  if (upper !== undefined) {
    try {
      const kept = new DirectoryUppers().open(upper, layers, Number.POSITIVE_INFINITY)
      const layer = new Overlay(layers, kept.upper, overlay)
      const close = () => {
        layer.copyUp.forget()
        kept.close()
      }
      return { layer, changed: layer, close }
    } catch (error) {
      throw failure('open', upper, error)
    }
  }
  const close = () => {}
  if (writable) {
    const layer = new Overlay(layers, memoryUpper(layers, Number.POSITIVE_INFINITY), overlay)
    return { layer, changed: layer, close }
  }
  if (layers.length === 1) return { layer: layers[0], changed: undefined, close }
  return { layer: new MergedTree(layers, memoryUpper(layers, 0), overlay), changed: undefined, close }
}

async function placesFor(names: readonly string[]): Promise<Places> {
  return names.some(isUrl) ? new (await import('./run-remote.js')).BridgedPlaces() : undefined
}

/** Rejects with a CommandError. */
export async function openTree(options: TreeOptions): Promise<RunTree> {
  const places = await placesFor([...options.images, ...options.devices, options.basedir ?? ''])
  const objects = objectsOf(places, options.basedir)
  const images = await imagesOf(places, options)
  const tree = merged(
    images.map(image => imageLayer(image, objects, 'on', image.limits)),
    options,
  )
  const close = () => {
    places?.close()
    try {
      tree.close()
    } catch (error) {
      throw failure('close', options.upper ?? '', error)
    }
  }
  return { layer: tree.layer as unknown as Layer, changed: tree.changed, close }
}
