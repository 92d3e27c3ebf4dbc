// What lies in a directory store's top directory beside objects, by name: registers of builds, temporary files, objects
// that gc has moved aside. Part of src/store/directory.ts. Not here: what becomes of them (directory-builds.ts, -gc.ts).

import fs from 'node:fs'

const REGISTER = /^\.build-[0-9a-z]+$/
/** As mkcomposefs and DirectoryStore name what they write. */
const TEMPORARY = /^\.tmp[0-9A-Za-z]{6}$/
/** The object's digits are in the name, so that it can go back. */
const PARKED = /^\.gc-((?:[0-9a-f]{64}){1,2})-[0-9a-z]+$/
const TEMPORARY_DIGITS = 6
const RANDOM_DIGITS = 10

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Digits for a name that no one else takes. */
function randomDigits(count: number): string {
  return Math.floor(Math.random() * 36 ** count)
    .toString(36)
    .padStart(count, '0')
}

/** A name for a temporary file, by which anyone knows it for one; it may be taken. */
export function temporaryName(): string {
  return `.tmp${randomDigits(TEMPORARY_DIGITS)}`
}

export function registerName(): string {
  return `.build-${randomDigits(RANDOM_DIGITS)}`
}

/** A name for an object that gc moves aside. */
export function parkedName(object: string): string {
  return `.gc-${object.replace('/', '')}-${randomDigits(RANDOM_DIGITS)}`
}

/** What an entry of a store's top directory is by its name; `object` is the name of one that gc moved aside. */
export type TopKind = { kind: 'register' } | { kind: 'temporary' } | { kind: 'parked'; object: string }

export function topKind(name: string): TopKind | undefined {
  if (REGISTER.test(name)) return { kind: 'register' }
  if (TEMPORARY.test(name)) return { kind: 'temporary' }
  const digits = PARKED.exec(name)?.[1]
  return digits === undefined ? undefined : { kind: 'parked', object: `${digits.slice(0, 2)}/${digits.slice(2)}` }
}

/** Names in a directory, read as they are asked for, since they can be many. Throws the host's error. */
export function* namesIn(path: string): Generator<string> {
  const dir = fs.opendirSync(path)
  try {
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) yield entry.name
  } finally {
    dir.closeSync()
  }
}
