// What commands print, as a terminal may have it: lines, tabs and colours. Whatever else would steer it is shown instead, since it may
// come from a file: titles, links, the clipboard, and questions whose answers would be typed into the shell. Not here: the terminal.
import { shownText } from '../path-text.js'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal obeys
const KEPT = /(\x1b\[[\d;:]*m|\r?\n|\t)/
const PLAIN = '\x1b[0m'

/** Ends with a line's end and without colours, so that what follows begins a line as it should. */
export function terminalOutput(text: string): string {
  if (text === '') return ''
  const parts = text.split(KEPT).map((part, i) => {
    if (i % 2 === 0) return shownText(part)
    return part.endsWith('\n') ? '\r\n' : part
  })
  const shown = parts.join('')
  return shown.endsWith('\r\n') ? `${shown}${PLAIN}` : `${shown}${PLAIN}\r\n`
}
