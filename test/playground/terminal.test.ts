// The terminal of the playground as people use it: commands over the image's tree, completion, an endless loop, writing.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { CHROMIUM } from '../browser/chromium.js'
import { skip } from '../helpers/paths.js'
import { type OpenPage, Site, shot } from './site.js'
import { isPrompt, prompts, terminalText, toldText } from './terminal-text.js'
import { becomes, matches, showView } from './waiting.js'

const terminal = suite('playground: terminal')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const DEMO = '?image=demo/two.cfs&store=demo/objects'

/** Types a line into an empty terminal; answers what is shown of it, without the prompts. */
async function type(opened: OpenPage, line: string): Promise<string[]> {
  await opened.page.keyboard.type('clear\n')
  await matches(() => terminalText(opened.page), /^composefs:\S+\$$/)
  await opened.page.keyboard.type(line)
  await opened.page.keyboard.press('Enter')
  const shown = await prompts(opened.page, 2)
  return shown.filter(one => one !== '' && !isPrompt(one))
}

async function start(address = DEMO): Promise<OpenPage> {
  const opened = await (site as Site).open({ address })
  await opened.page.waitForSelector('[role=treeitem]')
  await showView(opened.page, 'Terminal')
  await prompts(opened.page, 1)
  return opened
}

if (site === undefined) skip(terminal, 'terminal', 'no Chromium')
else {
  const m = mountSync(join(site.dir, 'demo/two.cfs'), { store: join(site.dir, 'demo/objects') })

  terminal('commands see what the mount has', async () => {
    const opened = await start()
    assert.equal(await type(opened, 'ls -1 /etc'), (m.fs.readdirSync('/etc') as string[]).sort())
    assert.equal(await type(opened, 'cat /etc/hostname | tr a-z A-Z'), [
      (m.fs.readFileSync('/etc/hostname', 'utf8') as string).trim().toUpperCase(),
    ])
    assert.equal(await type(opened, 'find / -name "*.py" -type f'), ['/usr/src/tide/turns.py'])
    assert.equal(await type(opened, 'head -1 /README.md | gzip | zcat'), [
      (m.fs.readFileSync('/README.md', 'utf8') as string).split('\n')[0],
    ])
    assert.equal(await type(opened, 'readlink /README.md'), [m.fs.readlinkSync('/README.md') as string])
    await type(opened, 'cd /usr/src; X=7')
    assert.equal(await type(opened, 'pwd; echo $X'), ['/usr/src', '7'])
    assert.match((await type(opened, 'nosuch')).join(), /nosuch: command not found/)
    assert.match((await type(opened, 'cat /nowhere')).join(), /No such file/i)
    const text = await terminalText(opened.page)
    await becomes(() => toldText(opened.page), text, 'what screen readers are told')
    await shot(opened.page, 'terminal')
    assert.equal(opened.complaints, [])
    await opened.page.context().close()
  })

  terminal('Tab completes commands and paths', async () => {
    const opened = await start()
    const completed = async (typed: string, line: string) => {
      await opened.page.keyboard.type(typed)
      await opened.page.keyboard.press('Tab')
      await becomes(async () => (await terminalText(opened.page)).slice(-line.length), line)
    }
    await completed('base6', '$ base64')
    await completed('/usr/sh', '$ base64 /usr/share/')
    await completed('doc/tidep', '$ base64 /usr/share/doc/tidepool/')
    assert.equal(opened.complaints, [])
    await opened.page.context().close()
  })

  terminal('an endless loop is ended by Ctrl-C, and the page goes on meanwhile', async () => {
    const opened = await start()
    await opened.page.keyboard.type('while true; do sleep 0.05; done\n')
    await matches(() => terminalText(opened.page), /done$/)
    await opened.page.getByRole('treeitem', { name: /^etc/ }).click()
    await opened.page.waitForSelector('[role=treeitem][aria-selected=true]:has-text("etc")')
    await opened.page.locator('.xterm-helper-textarea').focus()
    await opened.page.keyboard.press('Control+c')
    await prompts(opened.page, 2)
    assert.equal(await type(opened, 'echo alive'), ['alive'])
    assert.equal(opened.complaints, [])
    await opened.page.context().close()
  })

  terminal('writing needs a tree that is being changed', async () => {
    const opened = await start()
    assert.match((await type(opened, 'echo no > /etc/new')).join(), /read-only/i)
    await opened.page.getByRole('tab', { name: 'Changes' }).click()
    await opened.page.getByRole('button', { name: 'Start changing' }).first().click()
    await showView(opened.page, 'Terminal')
    await prompts(opened.page, 1)
    await type(opened, 'echo yes > /written && mv /etc/hostname /etc/name && rm /etc/motd')
    assert.equal(await type(opened, 'cat /written'), ['yes'])
    assert.equal((await type(opened, 'ls -1 /etc')).includes('name'), true)
    await opened.page.waitForSelector('[role=treeitem]:has-text("written")')
    assert.is(m.fs.existsSync('/written'), false)
    assert.equal(opened.complaints, [])
    await opened.page.context().close()
  })

  terminal('the shell is not part of the first load', async () => {
    const page = readFileSync(join(site.dir, 'page.js'), 'utf8') + readFileSync(join(site.dir, 'engine.js'), 'utf8')
    assert.not.match(page, /from"\.\/parts\/(?:browser|terminal)-/)
    assert.match(page, /import\("\.\/parts\/browser-/)
  })

  terminal('stop', async () => {
    m.unmount()
    await site.stop()
  })
}
terminal.run()
