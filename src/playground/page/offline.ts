// Working without a network: the service worker is registered, and people are told of a newer version. Not here: what it keeps.

import type { Session } from './session.js'
import type { SiteScripts } from './site-scripts.js'

/** Registers the service worker where there can be one. A page works without it, so that a refusal is no news. */
export async function workOffline(session: Session, scripts: SiteScripts): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  try {
    const registration = await navigator.serviceWorker.register(scripts.url('service-worker.js'), {
      updateViaCache: 'none',
    })
    registration.addEventListener('updatefound', () => {
      const next = registration.installing
      // The first one is no news either.
      if (next === null || navigator.serviceWorker.controller === null) return
      next.addEventListener('statechange', () => {
        if (next.state === 'installed')
          session.say('There is a newer version of the playground: close its tabs and open it again to have it.')
      })
    })
  } catch {
    // In a private window, for one.
  }
}
