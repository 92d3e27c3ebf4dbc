// Layers that count what they are asked, so that who asks without end is found out by a number and not by a clock. Not here: layers.

import type { Layer } from '../../overlay/layer.js'
import { Violation } from '../target.js'

export class Asked {
  #left: number

  /** `most`: questions to all layers together. */
  constructor(most: number) {
    this.#left = most
  }

  /** The same layer, counted. */
  layer<N extends object>(layer: Layer<N>): Layer<N> {
    const known = new Map<PropertyKey, unknown>()
    return new Proxy(layer, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        let counted = known.get(name)
        if (counted === undefined) {
          counted = (...args: readonly unknown[]) => {
            if (--this.#left < 0) throw new Violation('no hang', `layers were asked too often, at last ${String(name)}`)
            return Reflect.apply(value, target, args)
          }
          known.set(name, counted)
        }
        return counted
      },
    })
  }
}
