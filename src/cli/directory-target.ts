// A directory that images are published to: what a web server serves, or a disk that is carried elsewhere. Its objects are a
// store as mkcomposefs lays it out. Not here: writing objects (src/store/directory.ts), registers of those who do.

import fs from 'node:fs'
import { join, resolve } from 'node:path'
import { openFileSource } from '../host/file-source.js'
import { OBJECTS, type Target } from '../publish/target.js'
import type { ByteSource } from '../source/byte-source.js'
import { DirectoryStore } from '../store/directory.js'
import { BuildRegister } from '../store/directory-builds.js'
import { freshen } from '../store/directory-keep.js'
import { checkOutput, writeOutput } from './output-file.js'

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

export class DirectoryTarget implements Target {
  readonly label: string
  readonly #objects: DirectoryStore
  readonly #root: string

  constructor(root: string) {
    this.label = root
    this.#root = join(root, OBJECTS)
    this.#objects = new DirectoryStore(this.#root)
  }

  async begin(): Promise<() => Promise<void>> {
    const register = BuildRegister.begin(this.#root)
    return async () => register.end()
  }

  async sizes(names: readonly string[]): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    for (const name of names) {
      try {
        found.set(name, this.#objects.statSync(name).size)
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    }
    return found
  }

  async touch(name: string): Promise<boolean> {
    return freshen(join(this.#root, name), name)
  }

  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>, replace: boolean): Promise<void> {
    if (replace) await this.#objects.delete(name)
    await this.#objects.put(name, data)
  }

  async openImage(name: string): Promise<ByteSource | undefined> {
    try {
      return openFileSource(join(this.label, name))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async putImage(name: string, bytes: Uint8Array): Promise<void> {
    fs.mkdirSync(this.label, { recursive: true })
    // Absolute: an image may be called `-`.
    const path = resolve(this.label, name)
    checkOutput(path)
    writeOutput(path, [bytes], () => {})
  }
}
