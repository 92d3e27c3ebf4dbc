// The file types of WASI, which has none for FIFOs: those are streams, as sockets are. Not here: anything else of a mode.

import { CONSTANTS } from '../format/structs.js'
import {
  FILETYPE_BLOCK_DEVICE,
  FILETYPE_CHARACTER_DEVICE,
  FILETYPE_DIRECTORY,
  FILETYPE_REGULAR_FILE,
  FILETYPE_SOCKET_STREAM,
  FILETYPE_SYMBOLIC_LINK,
  FILETYPE_UNKNOWN,
} from './abi.js'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = CONSTANTS

export function filetypeOf(mode: number): number {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FILETYPE_REGULAR_FILE
    case S_IFDIR:
      return FILETYPE_DIRECTORY
    case S_IFLNK:
      return FILETYPE_SYMBOLIC_LINK
    case S_IFCHR:
      return FILETYPE_CHARACTER_DEVICE
    case S_IFBLK:
      return FILETYPE_BLOCK_DEVICE
    case S_IFIFO:
    case S_IFSOCK:
      return FILETYPE_SOCKET_STREAM
    default:
      return FILETYPE_UNKNOWN
  }
}
