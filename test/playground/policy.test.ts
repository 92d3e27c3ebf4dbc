// Images that are written to attack who looks at them: the page's policy is strict and holds, and no view of hostile names and bytes
// runs anything, asks anything of another place, or makes anything but text of them.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { pathToFragment } from '../../src/playground/path-text.js'
import { CHROMIUM, TIMEOUT_MS } from '../browser/chromium.js'
import { ROOT, skip } from '../helpers/paths.js'
import { hostileDump, hostileFiles, RUN, watch } from './hostile.js'
import { type OpenPage, type PageOptions, Site, shot } from './site.js'
import { prompts, terminalText } from './terminal-text.js'
import { becomes, drawn, goTo, showView } from './waiting.js'

const policy = suite('playground: policy')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const DEMO = '?image=demo/two.cfs&store=demo/objects'
/** Another place, which nobody must ask for anything. */
const away = createServer((request, response) => {
  asked.push(request.url ?? '')
  response.end()
})
const asked: string[] = []
await new Promise<void>(done => away.listen(0, '127.0.0.1', done))
away.unref()
const AWAY = `http://127.0.0.1:${(away.address() as AddressInfo).port}`

const HOSTILE = hostileFiles(AWAY)

/** A page that is watched: what ran, what was asked for, what was made of the page. */
interface Watched extends OpenPage {
  /** Requests that went elsewhere, dialogs, windows. */
  readonly outside: readonly string[]
}

async function watched(options: PageOptions = {}): Promise<Watched> {
  const opened = await (site as Site).open(options)
  const { page } = opened
  const outside: string[] = []
  page.context().on('request', request => {
    const url = request.url()
    if (!url.startsWith((site as Site).url) && !url.startsWith('blob:')) outside.push(url)
  })
  page.on('dialog', dialog => {
    outside.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.context().on('page', () => outside.push('a window'))
  await page.addInitScript(watch)
  await page.reload()
  return { ...opened, outside }
}

/** The hostile image is open, its root shown. */
async function hostileOpened(): Promise<Watched> {
  const opened = await watched()
  const { page } = opened
  await page.waitForSelector('.start')
  const buffer = Buffer.from(hostileDump(HOSTILE))
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles([{ name: 'a.dump', mimeType: 'text/plain', buffer }])
  await page.waitForSelector('.folder-list [role=option]')
  return opened
}

/** Nothing ran, nothing was asked for elsewhere, and the page is what it was but for text. */
async function unharmed({ page, complaints, outside }: Watched): Promise<void> {
  const found = await page.evaluate(() => ({
    ran: ['pwned', 'demoRan'].filter(name => name in globalThis || name in Object.prototype),
    seen: (globalThis as unknown as { seen: string[] }).seen,
    title: document.title,
  }))
  assert.equal(found.ran, [])
  assert.equal(found.seen, [])
  assert.match(found.title, /composefs playground$/)
  assert.equal(outside, [])
  assert.equal(asked, [])
  assert.equal(complaints, [])
}

const go = (page: Page, path: string) => goTo(page, path, pathToFragment(path))

/** What a file is shown by once it is: lines, bytes, a picture, or words that say why not. */
const SHOWN = ['.cm-line', '.bytes-row', '.picture', 'video, audio', '[role=alert]', '.contents-note']
  .map(one => `.view-contents ${one}`)
  .join(', ')

/** Looks at a file in every way there is. */
async function lookAt(page: Page): Promise<void> {
  await page.waitForSelector('.view-contents .viewer, .view-contents .special, .view-contents .contents-note')
  // What it can be shown as is known together with what it is shown as.
  const ways = page.locator('.view-contents .switch button')
  for (let i = (await ways.count()) - 1; i >= 0; i--) {
    await ways.nth(i).click()
    await page.locator('.view-contents .switch button[aria-pressed=true]').and(ways.nth(i)).waitFor()
    await page.waitForSelector(SHOWN)
    await drawn(page)
  }
}

if (site === undefined) skip(policy, 'policy', 'no Chromium')
else {
  policy('the policy is strict, and stands before all that it governs', () => {
    const html = readFileSync(join(site.dir, 'index.html'), 'utf8')
    const csp = /<meta http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)
    assert.ok(csp !== null)
    assert.not.match(html.slice(0, csp.index), /<(?:script|link|style)/)
    const rules = new Map(csp[1].split('; ').map(rule => [rule.split(' ')[0], rule.split(' ').slice(1)]))
    assert.equal(rules.get('default-src'), ["'none'"])
    assert.equal(rules.get('script-src'), ["'self'", "'wasm-unsafe-eval'"])
    assert.equal(rules.get('base-uri'), ["'none'"])
    assert.equal(rules.get('form-action'), ["'none'"])
    assert.equal(rules.get('require-trusted-types-for'), ["'script'"])
    assert.equal(rules.get('trusted-types'), ['composefs-scripts'])
    assert.equal(rules.get('img-src'), ["'self'", 'blob:', 'data:'])
    // What falls back to default-src stays there.
    for (const name of ['object-src', 'frame-src', 'child-src', 'script-src-elem', 'script-src-attr'])
      assert.is(rules.get(name), undefined, name)
    assert.not.match(html, /<script(?![^>]* src=)[^>]*>|\son\w+=/)
  })

  policy('script that someone gets into the page is refused', async () => {
    const opened = await (site as Site).open({ expected: [/./] })
    const { page } = opened
    await page.waitForSelector('.start')
    const refused = await page.evaluate(
      async ({ away, run, mostMs }) => {
        const violations: string[] = []
        addEventListener('securitypolicyviolation', event => violations.push(event.effectiveDirective))
        const made = (name: string, attributes: Record<string, string>) => {
          const element = document.createElement(name)
          for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
          document.body.append(element)
          return element
        }
        const link = (href: string) => made('a', { href }).click()
        const attempts: Record<string, () => unknown> = {
          innerHTML: () => {
            document.createElement('div').innerHTML = `<img src=x onerror=${run}>`
          },
          outerHTML: () => {
            made('div', {}).outerHTML = '<b>'
          },
          insertAdjacentHTML: () => made('div', {}).insertAdjacentHTML('beforeend', '<b>'),
          write: () => document.write('<b>'),
          parser: () => new DOMParser().parseFromString('<b>', 'text/html'),
          fragment: () => document.createRange().createContextualFragment('<b>'),
          srcdoc: () => made('iframe', { srcdoc: `<script>parent.${run}</script>` }),
          'text of a script': () => {
            const script = document.createElement('script')
            script.textContent = run
            document.body.append(script)
          },
          'node in a script': () => {
            const script = document.createElement('script')
            script.append(run)
            document.body.append(script)
          },
          'foreign script': () => made('script', { src: `${away}/a.js` }),
          handler: () => made('div', { onclick: run }).click(),
          'javascript: link': () => link(`javascript:${run}`),
          'javascript: frame': () => made('iframe', { src: `javascript:parent.${run}` }),
          // biome-ignore lint/security/noGlobalEval: it is to be refused
          eval: () => globalThis.eval(run),
          Function: () => new Function(run)(),
          'text as a timer': () => setTimeout(run, 0),
          'import data:': () => import(`data:text/javascript,${run}`),
          worker: () => new Worker(`data:text/javascript,${run}`),
          'blob: worker': () => new Worker(URL.createObjectURL(new Blob([run], { type: 'text/javascript' }))),
          policy: () =>
            (
              globalThis as unknown as { trustedTypes: { createPolicy(name: string, rules: object): unknown } }
            ).trustedTypes.createPolicy('mine', { createHTML: (text: string) => text }),
          frame: () => made('iframe', { src: `${away}/` }),
          object: () => made('object', { data: `${away}/a.swf` }),
          picture: () => made('img', { src: `${away}/a.png` }),
          style: () => made('link', { rel: 'stylesheet', href: `${away}/a.css` }),
          base: () => made('base', { href: away }),
          form: () => {
            const form = made('form', { action: away, method: 'post' }) as HTMLFormElement
            form.submit()
          },
        }
        const pause = (ms: number) => new Promise(done => setTimeout(done, ms))
        const answers: Record<string, string> = {}
        for (const [name, attempt] of Object.entries(attempts)) {
          violations.length = 0
          let thrown = false
          try {
            await attempt()
          } catch {
            thrown = true
          }
          // Some are told of a while later, and by more than one.
          const end = performance.now() + mostMs
          while (!thrown && violations.length === 0 && performance.now() < end) await pause(10)
          await pause(60)
          answers[name] = thrown || violations.length > 0 ? 'refused' : 'allowed'
        }
        return { answers, ran: 'pwned' in globalThis, here: location.href }
      },
      { away: AWAY, run: RUN, mostMs: TIMEOUT_MS / 6 },
    )
    assert.ok(Object.keys(refused.answers).length > 20)
    assert.equal(
      Object.entries(refused.answers).filter(([, answer]) => answer !== 'refused'),
      [],
    )
    assert.is(refused.ran, false)
    assert.ok(refused.here.startsWith(site.url))
    assert.equal(asked, [])
    await page.context().close()
  })

  policy('hostile files and names of the demo are shown, and nothing more', async () => {
    const { DEMO_TREE } = (await import(pathToFileURL(join(ROOT, '.ci/demo-tree.mjs')).href)) as {
      DEMO_TREE: { readonly hostile: readonly string[]; readonly oddNames: readonly string[] }
    }
    const opened = await watched({ address: `${DEMO}#/srv/hostile` })
    const { page } = opened
    await page.waitForSelector('.folder-list [role=option]')
    for (const path of DEMO_TREE.hostile) {
      await go(page, path)
      await lookAt(page)
    }
    for (const name of DEMO_TREE.oddNames) {
      await go(page, `/srv/names/${name}`)
      await page.waitForSelector('.view-contents .viewer')
    }
    await unharmed(opened)
    await page.context().close()
  })

  policy('a hostile image in every view', async () => {
    const opened = await watched()
    const { page } = opened
    await page.waitForSelector('.start')
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([
        { name: `<img src=x onerror=${RUN}>.dump`, mimeType: 'text/plain', buffer: Buffer.from(hostileDump(HOSTILE)) },
      ])
    await page.waitForSelector('.folder-list [role=option]')
    for (const [name] of HOSTILE) {
      await go(page, `/${name}`)
      await lookAt(page)
      await showView(page, 'Inspector')
      await showView(page, 'Contents')
    }
    for (const name of ['to script', 'to markup', 'to page', 'up']) {
      await go(page, `/${name}`)
      await page.waitForSelector('.special')
    }
    await unharmed(opened)
    await page.locator('input[type=file]').first().setInputFiles(join(site.dir, 'demo/one.cfs'))
    await page.waitForFunction(() => document.querySelectorAll('.document-tab').length === 2)
    for (const name of ['Map', 'Treemap', 'Network', 'Sharing', 'Diff', 'Verify', 'Changes']) {
      await showView(page, name)
      await shot(page, `policy-${name.toLowerCase()}`)
    }
    await page.locator('.document-tab button').first().click()
    for (const query of ['<img', 'onload=', 'javascript:']) {
      await page.locator('#search-0').fill(query)
      await page.locator(`.search-status[data-query="${query}"]`).waitFor()
      await page.waitForSelector('.found-name mark')
    }
    await page.locator('#search-0').fill('')
    for (const name of ['Map', 'Treemap', 'Sharing', 'Diff', 'Verify']) await showView(page, name)
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.locator('.verify-card.good').waitFor()
    await unharmed(opened)
    await page.context().close()
  })

  policy('a hostile file in the terminal: all of it is text, and nothing is typed', async () => {
    const opened = await hostileOpened()
    const { page } = opened
    await showView(page, 'Terminal')
    const text = () => terminalText(page)
    const prompt = async (least: number) => assert.is((await prompts(page, least)).at(-1), 'composefs:/$')
    await prompt(1)
    await page.keyboard.type('cat terminal.txt\n')
    await prompt(2)
    assert.match(await text(), /red red\ntitle ␛\]0;pwned␇/)
    assert.match(await text(), /clipboard ␛\]52;c;/)
    assert.is(await page.locator('.xterm a, .xterm-underline-1').count(), 0)
    // A name with line ends is completed, and does not end the command. An answer to a question of the file would stand before it.
    await page.keyboard.type('echo back')
    await page.keyboard.press('Tab')
    const typed = "composefs:/$ echo back$'\\u000d'window$'\\u000a'name"
    await becomes(async () => (await text()).split('\n').at(-1), typed)
    await page.keyboard.press('Enter')
    await prompt(3)
    assert.match(await text(), /\nback␍window\nname\n/)
    await shot(page, 'policy-terminal')
    await unharmed(opened)
    await page.context().close()
  })

  policy('what is downloaded has a name that turns nothing and leads nowhere', async () => {
    const opened = await hostileOpened()
    const { page } = opened
    for (const [name, content] of HOSTILE.filter(([one]) => /img|turned|back|javascript/.test(one))) {
      await go(page, `/${name}`)
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator('.view-contents').getByRole('button', { name: 'Download', exact: true }).click(),
      ])
      const given = download.suggestedFilename()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
      assert.not.match(given, /[<>:"/\\|?*\u0000-\u001f\u202a-\u202e\u2066-\u2069]/)
      assert.is(readFileSync(await download.path(), 'utf8'), content)
    }
    await unharmed(opened)
    await page.context().close()
  })

  policy('stop', () => site.stop())
}
policy.run()
