// A target under another name: the same questions over other inputs. Not here: what is asked.

import type { Target } from '../target.js'

export function named(name: string, target: Target): Target {
  const { invariants, maxBytes, mutators, seeds, counters } = target
  return { name, invariants, maxBytes, mutators, seeds, counters, run: input => target.run(input) }
}
