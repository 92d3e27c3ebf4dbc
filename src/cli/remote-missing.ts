// Which objects a store at a URL lacks, for composefs-info. Loaded only where a URL is given.

import { Fault } from '../format/errno.js'
import { binaryBytes } from '../format/xattr-name.js'
import { canonicalObjectName } from '../store/object-name.js'
import { failure } from './failure.js'
import { inLanes } from './lanes.js'
import { RemotePlaces } from './remote.js'

const AT_ONCE = 16

/** Those of the names, a character a byte, that are not there, in their order. Rejects with a CommandError. */
export async function missingIn(url: string, names: readonly string[]): Promise<string[]> {
  const missing = new Set<string>()
  try {
    const store = new RemotePlaces().store(url)
    await inLanes(names, AT_ONCE, async name => {
      const known = canonicalObjectName(new TextDecoder().decode(binaryBytes(name)).replace(/^\/+/, ''))
      try {
        if (known instanceof Fault) missing.add(name)
        else await store.stat(known)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
        missing.add(name)
      }
    })
  } catch (error) {
    throw failure('basedir', url, error)
  }
  return names.filter(name => missing.has(name))
}
