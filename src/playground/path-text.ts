// Paths and names as text that loses nothing: UTF-8, in which a byte that belongs to no valid sequence is the lone surrogate
// U+DC00 + byte (as Python's surrogateescape has it). And how such text is shown to people. Not here: what a path leads to.

const LONE = /(?<![\uD800-\uDBFF])[\uDC80-\uDCFF]/
const LONE_ALL = /(?<![\uD800-\uDBFF])[\uDC80-\uDCFF]/g
/** What would break a line, hide, or turn the text around it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNSEEN = /[\u0000-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]/g

/** Bytes of the valid sequence that begins at `at`, 0 where none does. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  if (length === 0 || at + length > bytes.length) return 0
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}

/** Text of a name or path. */
export function pathText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // Some byte is no UTF-8.
  }
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    text += length === 0 ? String.fromCharCode(0xdc00 + bytes[at]) : decoder.decode(bytes.subarray(at, at + length))
    at += Math.max(length, 1)
  }
  return text
}

/** The bytes again. */
export function pathBytes(text: string): Uint8Array {
  const encoder = new TextEncoder()
  if (!LONE.test(text)) return encoder.encode(text)
  // A code unit becomes three bytes at most.
  const bytes = new Uint8Array(text.length * 3)
  let [from, end] = [0, 0]
  for (const match of text.matchAll(LONE_ALL)) {
    end += encoder.encodeInto(text.slice(from, match.index), bytes.subarray(end)).written
    bytes[end++] = match[0].charCodeAt(0) - 0xdc00
    from = match.index + 1
  }
  end += encoder.encodeInto(text.slice(from), bytes.subarray(end)).written
  return bytes.slice(0, end)
}

/** As a layer or an `fs` takes it: text where it stands for its bytes, else the bytes. */
export function pathArgument(text: string): string | Uint8Array {
  return LONE.test(text) ? pathBytes(text) : text
}

/** The names of a path. */
export function pathNames(text: string): string[] {
  return text.split('/').filter(name => name !== '')
}

/** The path of an entry of a directory. */
export function childPath(dir: string, name: string): string {
  return dir === '/' ? `/${name}` : `${dir}/${name}`
}

export function parentPath(path: string): string {
  return `/${pathNames(path).slice(0, -1).join('/')}`
}

/** The last name; '' of the root. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** For people's eyes: nothing in it is unseen, breaks the line or turns what stands around it. */
export function shownText(text: string): string {
  return text
    .replace(LONE_ALL, lone => `\\x${(lone.charCodeAt(0) - 0xdc00).toString(16)}`)
    .replace(UNSEEN, one => {
      const code = one.charCodeAt(0)
      if (code < 0x20) return String.fromCharCode(0x2400 + code)
      return `\\u{${code.toString(16)}}`
    })
}

/** In a URL's fragment. */
export function pathToFragment(path: string): string {
  return Array.from(pathBytes(path), byte =>
    /[\w\-./~]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}

/** The path of a fragment, without its `#`; what is no escape stands for itself. */
export function fragmentToPath(fragment: string): string {
  const encoder = new TextEncoder()
  const bytes = new Uint8Array(fragment.length * 3)
  let end = 0
  for (const part of fragment.split(/(%[0-9A-Fa-f]{2})/)) {
    if (/^%[0-9A-Fa-f]{2}$/.test(part)) bytes[end++] = Number.parseInt(part.slice(1), 16)
    else end += encoder.encodeInto(part, bytes.subarray(end)).written
  }
  return pathText(bytes.subarray(0, end))
}
