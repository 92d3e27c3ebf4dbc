// JSON as people read it: one value a line, indented. Token by token, so that numbers, doubled names and escapes stay as they
// stand in the file, and depth costs no stack. Not here: colours and folding.

/** Deeper levels are not indented further, so that what is made stays in proportion. */
const INDENT_MAX = 40
/** More is not made. Characters. */
const OUT_MAX = 16 << 20

/** undefined for what is no JSON, or would become too much. */
export function formattedJson(text: string): string | undefined {
  const given = text.replace(/^\uFEFF/, '')
  try {
    JSON.parse(given)
  } catch {
    return undefined
  }
  return indented(given)
}

/** Strings, marks and what stands between them, of what is known to be JSON. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g

function indented(text: string): string | undefined {
  const out: string[] = []
  let length = 0
  let depth = 0
  let before = ''
  const line = () => `\n${'  '.repeat(Math.min(depth, INDENT_MAX))}`
  for (const [token] of text.matchAll(TOKENS)) {
    const closes = token === '}' || token === ']'
    if (closes) depth--
    const opened = before === '{' || before === '['
    const breaks = closes ? !opened : opened || before === ','
    const piece = `${breaks ? line() : ''}${token}${token === ':' ? ' ' : ''}`
    out.push(piece)
    length += piece.length
    if (length > OUT_MAX) return undefined
    if (token === '{' || token === '[') depth++
    before = token
  }
  return `${out.join('')}\n`
}
