// The service worker: after the first visit the playground works without a network. All files of the site, the demo's too, are kept
// as they were built and replaced together; nothing else that the page reads is touched. Not here: how files are kept (Workbox).

import { addPlugins, cleanupOutdatedCaches, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching'
import { RangeRequestsPlugin } from 'workbox-range-requests'

/** Files of the site with their hashes; the build writes it in. */
declare const SITE_FILES: PrecacheEntry[]

// The demo's images and objects are read by ranges.
addPlugins([new RangeRequestsPlugin()])
precacheAndRoute(SITE_FILES, { cleanURLs: false, ignoreURLParametersMatching: [/^(?:image|store|digest)$/] })
cleanupOutdatedCaches()
