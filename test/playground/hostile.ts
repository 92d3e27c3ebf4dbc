// Files and names that are written to attack whoever looks at them, and what notices in a page that one of them did. Not here: any
// test.

/** Script that leaves a trace. */
export const RUN = 'window.pwned=1'
/** Names, and what is in the files of those names. */
export function hostileFiles(away: string): readonly (readonly [string, string])[] {
  return [
    [
      `<img src=x onerror=${RUN}>`,
      `<script>${RUN}</script><img src=x onerror=${RUN}><iframe srcdoc="<script>parent.${RUN}</script>">`,
    ],
    [
      `"><svg onload=${RUN}>.html`,
      `<!doctype html><body onload=${RUN}><base href=${away}><link rel=stylesheet href=${away}/a.css>`,
    ],
    [
      `<script>${RUN}<\u2044script>`,
      `<?xml version="1.0"?><?xml-stylesheet href="${away}/a.xsl"?><a xmlns="http://www.w3.org/1999/xhtml"/>`,
    ],
    [
      'drawing.svg',
      `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90" onload="${RUN}"><script>${RUN}</script><style>@import "${away}/a.css";</style><image href="${away}/a.png" onerror="${RUN}"/><use href="${away}/a.svg#a"/><foreignObject width="9" height="9"><iframe xmlns="http://www.w3.org/1999/xhtml" src="${away}"/></foreignObject><rect width="90" height="90" fill="#a33"/></svg>`,
    ],
    ['look.css', `@import "${away}/a.css"; body { background: url(${away}/a.png); display: none }`],
    [
      'proto.json',
      `{"__proto__": {"pwned": 1}, "constructor": {"prototype": {"pwned": 1}}, "a": "<img src=x onerror=${RUN}>"}`,
    ],
    [`javascript:${RUN}`, `javascript:${RUN}`],
    ['__proto__', 'constructor'],
    ['constructor', `\u202e ${RUN} \u2066 turned`],
    ['turned\u202egnp.exe', 'MZ'],
    ['back\rwindow\nname', 'The name ends lines.'],
    ['page.md', `[a](javascript:${RUN}) ![b](${away}/a.png) <script>${RUN}</script>`],
    [
      'terminal.txt',
      [
        'red \x1b[31mred\x1b[0m',
        'title \x1b]0;pwned\x07\x1b]2;pwned\x1b\\',
        'clipboard \x1b]52;c;cHduZWQ=\x07',
        `link \x1b]8;;${away}/\x1b\\press\x1b]8;;\x1b\\`,
        'asks \x1b[c\x1b[>c\x1b[5n\x1b[6n\x1b[21t\x1b]10;?\x07\x1b]4;1;?\x07\x1bP$qm\x1b\\\x05\x9bc\x1b[?1;2$p',
        'screen \x1b[?1049h\x1b[2J\x1b[?1003h\x1bc',
        '',
      ].join('\r\n'),
    ],
  ]
}

/** A dump's field, with each byte escaped. */
function field(text: string): string {
  return [...Buffer.from(text)].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}

/** An image of them, and of links that lead to worse, as a dump. */
export function hostileDump(files: readonly (readonly [string, string])[]): string {
  const xattr = ` ${field(`user.<img src=x onerror=${RUN}>`)}=${field(`<script>${RUN}</script>`)}`
  const lines = files.map(
    ([name, text]) => `/${field(name)} ${Buffer.byteLength(text)} 100644 1 0 0 0 1.0 - ${field(text)} -${xattr}`,
  )
  for (const [name, target] of [
    ['to script', `javascript:${RUN}`],
    ['to markup', `<img src=x onerror=${RUN}>`],
    ['to page', `data:text/html,<script>${RUN}</script>`],
    ['up', '../../../../etc/passwd'],
  ])
    lines.push(`/${field(name)} ${target.length} 120777 1 0 0 0 1.0 ${field(target)} - -${xattr}`)
  return `/ 0 40755 2 0 0 0 1.0 - - -\n${lines.sort().join('\n')}\n`
}

/** Runs in the page before all else: notes what a page of text never does. */
export function watch(): void {
  const seen: string[] = []
  Object.assign(globalThis, { seen })
  const bad = new Set([
    'SCRIPT',
    'IFRAME',
    'OBJECT',
    'EMBED',
    'FRAME',
    'BASE',
    'META',
    'FOREIGNOBJECT',
    'SET',
    'ANIMATE',
  ])
  const check = (node: Node, below: boolean) => {
    if (!(node instanceof Element)) return
    for (const one of below ? [node, ...node.querySelectorAll('*')] : [node]) {
      if (bad.has(one.tagName.toUpperCase())) seen.push(`<${one.tagName}>`)
      for (const { name, value } of one.attributes) {
        if (name.startsWith('on')) seen.push(`${one.tagName} ${name}=${value}`)
        if (
          /^(?:src|href|data|action|formaction|srcdoc)$/.test(name) &&
          /^\s*(?:javascript|data|https?):/i.test(value) &&
          !value.startsWith(location.origin)
        )
          seen.push(`${one.tagName} ${name}=${value}`)
      }
    }
  }
  const observe = (root: Node) =>
    new MutationObserver(records => {
      for (const record of records) {
        for (const node of record.addedNodes) check(node, true)
        if (record.type === 'attributes') check(record.target, false)
      }
    }).observe(root, { childList: true, subtree: true, attributes: true })
  addEventListener('DOMContentLoaded', () => observe(document))
  const { attachShadow } = Element.prototype
  Element.prototype.attachShadow = function (this: Element, options) {
    const root = attachShadow.call(this, options)
    observe(root)
    return root
  }
  window.open = () => {
    seen.push('window.open')
    return null
  }
  navigator.clipboard.writeText = async () => void seen.push('clipboard')
  addEventListener('securitypolicyviolation', event =>
    seen.push(`policy: ${event.violatedDirective} ${event.blockedURI}`),
  )
}
