// Times as `ls --time-style=full-iso` writes them in UTC: 2026-11-24 00:00:00.000000000 +0000.
// Follows GNU ls: a year that does not fit an int makes it print the bare seconds, as wide as a time of 1970.

import { digitsOf, type TextBuffer } from '../format/text-buffer.js'

const DAY = 86_400
const LOW = 2 ** 32
const COLON = 0x3a
const SPACE = 0x20
/** Characters of a time in the year 1970. */
const WIDTH = 35
/** Years that struct tm can hold. */
const YEAR_MAX = 2 ** 31 - 1 + 1900
const YEAR_MIN = -(2 ** 31) + 1900
/** Seconds beyond which no year fits; below it they are exact as a number. */
const SECONDS_MAX = 2 ** 56
/** Days from 0000-03-01 to 1970-01-01, and in 400 years. */
const EPOCH_SHIFT = 719_468
const ERA = 146_097

/** Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar without an end. */
function civil(day: number): { year: number; month: number; day: number } {
  // The year begins in March here, so that the leap day is its last one.
  const shifted = day + EPOCH_SHIFT
  const era = Math.floor(shifted / ERA)
  const dayOfEra = shifted - era * ERA
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  }
}

/** Writes times; neighbours in a listing often have the same day, so that one is kept. */
export class FullIso {
  #day = Number.NaN
  #date = ''

  /** Seconds are given as the low and the (signed) high word of 64 bits. */
  write(out: TextBuffer, low: number, high: number, nsec: number): void {
    const seconds = high * LOW + low
    const day = Math.floor(seconds / DAY)
    if (day !== this.#day && !this.#setDay(seconds, day)) {
      const text = String((BigInt(high) << 32n) | BigInt(low))
      out.latin1(text.padStart(WIDTH))
      return
    }
    out.latin1(this.#date)
    const second = seconds - day * DAY
    const minute = (second / 60) >>> 0
    const hour = (minute / 60) >>> 0
    out.byte(SPACE)
    out.digits(hour, 2)
    out.byte(COLON)
    out.digits(minute - hour * 60, 2)
    out.byte(COLON)
    out.digits(second - minute * 60, 2)
    out.byte(0x2e)
    // What is no nanosecond is not cut.
    out.digits(nsec, Math.max(9, digitsOf(nsec)))
    out.latin1(' +0000')
  }

  #setDay(seconds: number, day: number): boolean {
    if (Math.abs(seconds) > SECONDS_MAX) return false
    const { year, month, day: ofMonth } = civil(day)
    if (year > YEAR_MAX || year < YEAR_MIN) return false
    const digits = String(Math.abs(year)).padStart(year < 0 ? 3 : 4, '0')
    const two = (n: number) => String(n).padStart(2, '0')
    this.#day = day
    this.#date = `${year < 0 ? '-' : ''}${digits}-${two(month)}-${two(ofMonth)}`
    return true
  }
}
