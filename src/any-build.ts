// Building images on any host: apart from what mounts them (any-host.ts), since it brings a second core along. Not here: how images
// are built (build.ts).

import { api } from './any-host.js'
import type { BuildImageOptions } from './api.js'
import { type BuildSource, type Built, buildImage as build } from './build.js'

/** Builds an image from calls, a tree, an image, dump text or a directory of an `fs`; see README. */
export const buildImage = async (source: BuildSource, options: BuildImageOptions = {}): Promise<Built> => {
  const host = await api()
  return build(source, { ...options, store: host.objectStore(options.store) }, host.sha256)
}
