// The workers that the engine starts, as Trusted Types want it: the one place of the engine that may name a script. Not here: what they do.

/** What browsers with Trusted Types have; others take the text. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string }
}

/** Starts the site's own scripts, and nothing else. Once a worker: a policy has one name. */
export class WorkerScripts {
  readonly #base: string
  readonly #policy: { createScriptURL(url: string): string } | undefined

  /** `base`: where the site's scripts are. */
  constructor(base: string) {
    this.#base = base
    const known = new Set([this.#url('search'), this.#url('guest')])
    const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
    this.#policy = trustedTypes?.createPolicy('composefs-scripts', {
      createScriptURL: url => {
        if (!known.has(url)) throw new TypeError('not a script of this site')
        return url
      },
    })
  }

  start(name: 'search' | 'guest'): Worker {
    const url = this.#url(name)
    return new Worker(this.#policy?.createScriptURL(url) ?? url, { type: 'module', name })
  }

  #url(name: 'search' | 'guest'): string {
    return new URL(`${name}.js`, this.#base).href
  }
}
