// The dump text of an image, for targets and tests that compare two of them. Not here: writing it to anywhere (src/cli).

import { writeDumpFields, writeEscaped } from '../format/dump-text.js'
import { Fault, type Outcome } from '../format/errno.js'
import { TextBuffer } from '../format/text-buffer.js'
import type { Image } from '../image/image.js'
import { TreeEntries } from '../image/tree-entries.js'

/** Text of characters that are bytes; the Fault of an image that can't be read to its end, and of plain EROFS, which has none. */
export function dumpOf(image: Image): Outcome<Uint8Array> {
  const entries = TreeEntries.open(image)
  if (entries instanceof Fault) return entries
  const out = new TextBuffer()
  for (;;) {
    const more = entries.next()
    if (more instanceof Fault) return more
    if (!more) return out.content()
    writeEscaped(out, entries.path, 0, entries.pathLength)
    writeDumpFields(out, entries)
  }
}
