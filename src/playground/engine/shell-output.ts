// What a program prints, on its way to the page while it runs: whole lines, one after the other, and no more than is shown. Not here:
// what is shown of commands that answer when they are done (terminals.ts).

import { baseName } from '../path-text.js'

/** Characters of a program's output, or of a command's, that are shown. */
export const OUTPUT_MAX = 1 << 20

/** Told of text that a program has printed; what it answers is waited for. */
export type OutputListener = (text: string, isError: boolean) => void | Promise<void>

export function notShown(characters: number): string {
  return `[${characters} more characters are not shown]\n`
}

class LiveText {
  readonly #decoder = new TextDecoder()
  readonly #say: (text: string) => void
  #begun = ''
  #shown = 0
  #more = 0

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  take(bytes: Uint8Array): void {
    this.#begun += this.#decoder.decode(bytes, { stream: true })
    const end = this.#begun.lastIndexOf('\n') + 1
    this.#show(this.#begun.slice(0, end))
    this.#begun = this.#begun.slice(end)
    // A line without an end is not kept for ever.
    if (this.#begun.length > OUTPUT_MAX) this.end()
  }

  end(): void {
    this.#show(this.#begun)
    this.#begun = ''
  }

  close(): void {
    this.#begun += this.#decoder.decode()
    this.end()
    if (this.#more > 0) this.#say(notShown(this.#more))
  }

  #show(text: string): void {
    const room = Math.min(text.length, OUTPUT_MAX - this.#shown)
    this.#shown += room
    this.#more += text.length - room
    if (room > 0) this.#say(text.slice(0, room))
  }
}

/** The simplest of lines: one word and its arguments, so that what it prints goes nowhere else. */
const PLAIN_LINE = /^\s*([^\s'"\\=]+)(?:\s[^|<>;&()`\n]*)?$/

export class LiveOutput {
  readonly #word: string
  readonly #texts: readonly LiveText[]
  #said: Promise<unknown> = Promise.resolve()
  #claimed = false

  private constructor(word: string, listener: OutputListener) {
    this.#word = word
    const say = (isError: boolean) => (text: string) => {
      this.#said = this.#said.then(() => listener(text, isError)).catch(() => undefined)
    }
    this.#texts = [new LiveText(say(false)), new LiveText(say(true))]
  }

  /** For a line whose output can only go to the terminal; undefined for others. */
  static of(line: string, listener: OutputListener | undefined): LiveOutput | undefined {
    const word = PLAIN_LINE.exec(line)?.[1]
    return word === undefined || listener === undefined ? undefined : new LiveOutput(word, listener)
  }

  /** For the program that a line names, once; undefined for one that something else has begun. */
  claim(path: string, file: string): this | undefined {
    const isNamed =
      [path, file].includes(this.#word) || baseName(path) === baseName(this.#word) || this.#word === 'wasi'
    if (this.#claimed || !isNamed) return undefined
    this.#claimed = true
    return this
  }

  readonly take = (fd: 1 | 2, bytes: Uint8Array): void => this.#texts[fd - 1].take(bytes)

  /** Resolves when all has been told. */
  async end(): Promise<void> {
    for (const text of this.#texts) text.close()
    await this.#said
  }
}
