// What the head of an answer says, however the answer came. Not here: what was asked for.

export class AnswerHead {
  constructor(
    /** The URL without its secrets, for messages. */
    readonly label: string,
    readonly status: number,
    readonly headers: Headers,
    /** Does the browser show only some headers (the answer comes from another origin)? */
    readonly isFiltered: boolean,
  ) {}

  /** Bytes of the body by the server's word; undefined if it says nothing, or speaks of encoded ones. */
  get contentLength(): number | undefined {
    const text = this.headers.get('content-length')
    if (text === null || !/^\d{1,15}$/.test(text) || this.isEncoded) return undefined
    return Number(text)
  }

  get isEncoded(): boolean {
    const encoding = this.headers.get('content-encoding')
    return encoding !== null && encoding !== '' && encoding.toLowerCase() !== 'identity'
  }
}
