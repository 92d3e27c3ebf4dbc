// The table of pieces: where structures and data lie in the image, as answers. Not here: finding them (anatomy.ts,
// cfs-anatomy.ts). A piece is cut at the image's end, and one that begins behind it is left out.

import { inside } from './bytes'
import { image } from './image'
import { AT_DATA, EIO, PC_AT, PC_DETAIL, PC_KIND, PC_LENGTH, PC_SIZE, PC_START, REC_SIZE, SCR_PIECES_ERROR } from './layout'
import { fail, MAX_RECORDS, ownF64, ownU32, RECORDS, SCRATCH } from './scratch'

/** Pieces that the table of records can hold. */
export const PIECE_ROOM: u32 = (MAX_RECORDS * REC_SIZE) / PC_SIZE

/** Pieces in the table. */
export let pieceCount: u32 = 0

export function beginPieces(): void {
  pieceCount = 0
  store<u32>(SCRATCH + SCR_PIECES_ERROR, 0)
}

/** Notes that a part of an inode is left out, since something is wrong with it. */
export function leftOut(answer: i32): void {
  store<u32>(SCRATCH + SCR_PIECES_ERROR, -answer)
}

/** Adds a piece; the caller sees to it that there is room. */
export function addPiece(kind: u32, start: u64, length: u64, at: u64, detail: u32): void {
  if (length == 0) return
  let fits = length
  if (!inside(start, length)) {
    leftOut(fail(EIO, AT_DATA, start))
    if (start >= image.size) return
    fits = image.size - start
  }
  putPiece(kind, start, fits, at, detail)
}

/** Adds a piece that may be at no place of the image. */
export function putPiece(kind: u32, start: u64, length: u64, at: u64, detail: u32): void {
  const piece = RECORDS + pieceCount++ * PC_SIZE
  // With a loop in it this is not copied into its twenty callers, which would cost 3 KB of the core.
  for (let field: u32 = 0; field < PC_SIZE; field += 8) store<u64>(piece + field, 0)
  store<f64>(piece + PC_START, <f64>start)
  store<f64>(piece + PC_LENGTH, <f64>length)
  store<f64>(piece + PC_AT, <f64>at)
  store<u32>(piece + PC_KIND, kind)
  store<u32>(piece + PC_DETAIL, detail)
}

/** Makes the last piece longer, where it ends at `start` and its file goes on there with byte `at`. */
export function growPiece(kind: u32, start: u64, length: u64, at: u64): bool {
  if (pieceCount == 0) return false
  const piece = RECORDS + (pieceCount - 1) * PC_SIZE
  const before = ownF64(piece + PC_LENGTH)
  if (ownU32(piece + PC_KIND) != kind || ownF64(piece + PC_AT) + before != <f64>at) return false
  if (ownF64(piece + PC_START) + before != <f64>start || !inside(start, length)) return false
  store<f64>(piece + PC_LENGTH, before + <f64>length)
  return true
}
