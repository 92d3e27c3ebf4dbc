// Numbers of devices in the headers of a tar: modern-tar has no field for them, and a device without its number would be 0:0,
// which an overlay takes for a whiteout. So they are put into the headers as these pass by. Not here: anything else of a header.
//
//   byte of a header   148 checksum, 8   329 devmajor, 8   337 devminor, 8    octal digits, a NUL behind

import type { TarHeader } from 'modern-tar'

const BLOCK = 512
const CHECKSUM = 148
const DEVMAJOR = 329
const DEVMINOR = 337
const FIELD = 8
const SPACE = 0x20

function octal(value: number, digits: number): Uint8Array {
  return new TextEncoder().encode(`${value.toString(8).padStart(digits, '0')}\0`)
}

/** st_rdev's parts, as the kernel's new_encode_dev has them. */
function numbersOf(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) }
}

function complete(header: Uint8Array, rdev: number): void {
  const { major, minor } = numbersOf(rdev)
  header.set(octal(major, FIELD - 1), DEVMAJOR)
  header.set(octal(minor, FIELD - 1), DEVMINOR)
  header.fill(SPACE, CHECKSUM, CHECKSUM + FIELD)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.set(octal(sum, FIELD - 2), CHECKSUM)
}

export class DeviceNumbers {
  /** Where the next header begins, in bytes. */
  #at = 0
  #expected: number | undefined
  /** Numbers by where the header that they belong to begins. */
  readonly #waiting = new Map<number, number>()

  /** The next header of a device is one with this number. */
  expect(rdev: number): void {
    this.#expected = rdev
  }

  /** A header of this type comes next. */
  header(type: TarHeader['type']): void {
    if (this.#expected !== undefined && (type === 'character-device' || type === 'block-device')) {
      this.#waiting.set(this.#at, this.#expected)
      this.#expected = undefined
    }
    this.#at += BLOCK
  }

  /** So many bytes of a body have passed, and what fills their last block. */
  skip(size: number): void {
    this.#at += Math.ceil(size / BLOCK) * BLOCK
  }

  /** Lets a tar through; each header comes as one piece. */
  stream(): TransformStream<Uint8Array, Uint8Array> {
    let passed = 0
    return new TransformStream({
      transform: (piece, controller) => {
        const rdev = this.#waiting.get(passed)
        if (rdev !== undefined) {
          this.#waiting.delete(passed)
          complete(piece, rdev)
        }
        passed += piece.length
        controller.enqueue(piece)
      },
    })
  }
}
