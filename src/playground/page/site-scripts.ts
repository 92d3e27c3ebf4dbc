// Where the worker is, as Trusted Types want it: the one place of the page that may name a script. Not here: what it does.

/** What browsers with Trusted Types have; others take the text. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string }
}

/** A script beside this one. */
function scriptUrl(name: 'engine.js' | 'service-worker.js'): string {
  return new URL(name, import.meta.url).href
}

/** Makes URLs of the site's own scripts, and of nothing else. Once a page: a policy has one name. */
export class SiteScripts {
  readonly #policy: { createScriptURL(url: string): string } | undefined

  constructor() {
    const known = new Set([scriptUrl('engine.js'), scriptUrl('service-worker.js')])
    const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
    this.#policy = trustedTypes?.createPolicy('composefs-scripts', {
      createScriptURL: url => {
        if (!known.has(url)) throw new TypeError('not a script of this site')
        return url
      },
    })
  }

  url(name: 'engine.js' | 'service-worker.js'): string {
    const url = scriptUrl(name)
    return this.#policy?.createScriptURL(url) ?? url
  }
}
