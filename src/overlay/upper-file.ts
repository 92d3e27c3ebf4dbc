// An open regular file of the upper that can be written to. Not here: how it came to be in the upper (copy-up.ts).

import { type Fault, fault } from '../format/errno.js'
import type { Body } from './body.js'
import type { ChangeFeed } from './change-feed.js'
import type { WritableFile } from './layer.js'
import { type FileHome, OverlayFile } from './overlay-file.js'
import { dropPrivileges } from './privileges.js'
import { now } from './upper.js'
import type { UpperInode } from './upper-inode.js'

function isTold(body: Body): boolean {
  return body.isTold === true
}

export class UpperFile extends OverlayFile implements WritableFile {
  readonly #inode: UpperInode
  readonly #feed: ChangeFeed

  constructor(home: FileHome, inode: UpperInode, feed: ChangeFeed) {
    super(home, inode, undefined)
    this.#inode = inode
    this.#feed = feed
  }

  write(from: Uint8Array, position: number | null, dropIds: boolean): Fault | undefined {
    const { body } = this
    if (body === undefined) return fault('EBADF')
    if (from.length === 0) return undefined
    const told = isTold(body)
    return body.write(from, position ?? body.size) ?? this.#written(dropIds, told || isTold(body))
  }

  truncate(size: number): Fault | undefined {
    const { body } = this
    if (body === undefined) return fault('EBADF')
    const told = isTold(body)
    return body.truncate(size) ?? this.#written(false, told || isTold(body))
  }

  #written(dropIds: boolean, told: boolean): Fault | undefined {
    const inode = this.#inode
    const { upper } = this.home
    dropPrivileges(upper, inode, dropIds)
    inode.modified(now())
    this.#feed.tellOf(inode)
    if (inode.written && !told) {
      upper.touched(inode)
      return undefined
    }
    inode.written = true
    upper.changed(inode)
    return upper.ended(undefined)
  }
}
