// Reads the XML that S3 services answer with: elements and text. Strict and bounded, since a server may send anything:
// no document types (so no entities but the five of XML itself), no nesting or number of elements without a limit. Our
// own, because the packages that read all of XML are several times the size of the rest of this store.
// Not here: what the elements mean.

/** Levels of elements. */
const DEPTH_MAX = 12
/** Elements in a document: a page of names has about ten for each, and some services give 10,000 names. */
const ELEMENTS_MAX = 150_000
/** Attributes of an element. */
const ATTRIBUTES_MAX = 16

const ENTITIES = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

const NAME = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?'
const ATTRIBUTES = `(?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*')){0,${ATTRIBUTES_MAX}}`
/** One piece of markup, matched where the last one ended. */
const MARKUP = new RegExp(
  [
    `<(?<open>${NAME})${ATTRIBUTES}\\s*(?<empty>/?)>`,
    `</(?<close>${NAME})\\s*>`,
    '<!--(?:(?!--)[^])*-->',
    '<!\\[CDATA\\[(?<cdata>(?:(?!\\]\\]>)[^])*)\\]\\]>',
  ].join('|'),
  'y',
)
const DECLARATION = /^\ufeff?\s*(?:<\?xml\s[^?<>]*\?>)?/

export class XmlElement {
  readonly children: XmlElement[] = []
  text = ''

  /** The name has no namespace prefix. */
  constructor(readonly name: string) {}

  /** Text of the first child of that name. */
  textOf(name: string): string | undefined {
    return this.children.find(child => child.name === name)?.text
  }

  all(name: string): XmlElement[] {
    return this.children.filter(child => child.name === name)
  }
}

/** The text that characters and references stand for; undefined for a reference that XML alone does not know. */
function resolved(text: string): string | undefined {
  if (!text.includes('&')) return text
  let wrong = false
  const result = text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w{1,8}));|&/g, (_, decimal, hex, name) => {
    const code = decimal !== undefined ? Number(decimal) : hex !== undefined ? Number.parseInt(hex, 16) : undefined
    const isScalar = code !== undefined && code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
    const meant = isScalar ? String.fromCodePoint(code) : name === undefined ? undefined : ENTITIES.get(name)
    wrong ||= meant === undefined
    return meant ?? ''
  })
  return wrong ? undefined : result
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

/** The root element; undefined for what is no document of the kind that is read here. */
export function parseXml(text: string): XmlElement | undefined {
  const top = new XmlElement('')
  // Names as they are written, prefix included, which is what has to be closed.
  const open: { readonly element: XmlElement; readonly written: string }[] = [{ element: top, written: '' }]
  let elements = 0
  for (let at = DECLARATION.exec(text)?.[0].length ?? 0; at < text.length; ) {
    const { element, written } = open[open.length - 1]
    const next = text.indexOf('<', at)
    const plain = resolved(text.slice(at, next === -1 ? text.length : next))
    if (plain === undefined) return undefined
    element.text += plain
    if (next === -1) break
    MARKUP.lastIndex = next
    const groups = MARKUP.exec(text)?.groups
    if (groups === undefined) return undefined
    at = MARKUP.lastIndex
    if (groups['cdata'] !== undefined) element.text += groups['cdata']
    if (groups['close'] !== undefined) {
      if (groups['close'] !== written) return undefined
      open.pop()
    }
    if (groups['open'] === undefined) continue
    const child = new XmlElement(localName(groups['open']))
    element.children.push(child)
    if (++elements > ELEMENTS_MAX || open.length > DEPTH_MAX) return undefined
    if (groups['empty'] === '') open.push({ element: child, written: groups['open'] })
  }
  const whole = open.length === 1 && top.children.length === 1 && top.text.trim() === ''
  return whole ? top.children[0] : undefined
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`)
}
