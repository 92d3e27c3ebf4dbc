// WASI programs in the playground's terminal, as people run them: from the demo, from what was dropped, with pipes and files.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { CHROMIUM } from '../browser/chromium.js'
import { skip } from '../helpers/paths.js'
import { drop, message } from './dropping.js'
import { guestProgram } from './guest-program.js'
import {
  begin,
  changedPaths,
  programsWorld,
  shownOf,
  startChanging,
  startTerminal,
  TEXT,
  type,
} from './programs-world.js'
import { type OpenPage, Site, shot } from './site.js'
import { prompts, terminalText } from './terminal-text.js'
import { matches, showView } from './waiting.js'

const programs = suite('playground: programs')
const site = CHROMIUM === undefined ? undefined : await Site.start()

/** A page with the image of programs and its objects, dropped. */
async function dropped(dir: string): Promise<OpenPage> {
  const opened = await (site as Site).open()
  await drop(opened.page, join(dir, 'image.cfs'), join(dir, 'objects'))
  await startTerminal(opened)
  return opened
}

if (site === undefined) skip(programs, 'programs', 'no Chromium')
else {
  const { dir } = await programsWorld()

  programs('the demo has a program that visitors can try', async () => {
    const opened = await site.open({ address: '?image=demo/two.cfs&store=demo/objects' })
    await startTerminal(opened)
    const m = mountSync(join(site.dir, 'demo/two.cfs'), { store: join(site.dir, 'demo/objects') })
    const names = m.fs.readdirSync('/etc/tidepool') as string[]
    const shown = await type(opened, 'X=1; export X; hello.wasm /etc/tidepool "two words"')
    assert.match(shown.join('\n'), /given \/etc\/tidepool, two words\./)
    assert.ok(shown.includes('  X=1') && shown.includes('  PWD=/'))
    assert.equal(shown.slice(-names.length), names.map(name => `  ${name}`).sort())
    await shot(opened.page, 'program-demo')
    assert.match(
      (await type(opened, '/usr/lib/tidepool/core.wasm')).join(' '),
      /no WASI program: it imports nothing of WASI/,
    )
    assert.match((await type(opened, 'help')).join('\n'), /Programs of the image run too/)
    m.unmount()
    assert.equal(opened.complaints, [])
    await opened.page.context().close()
  })

  programs('arguments, pipes, redirections and exit codes are as of any command', async () => {
    const opened = await dropped(dir)
    assert.equal(await type(opened, 'guest a "b c" \'$d\''), ['/usr/bin/guest', 'a', 'b c', '$d'])
    assert.equal(await type(opened, 'echo through a pipe | guest c | tr a-z A-Z'), ['THROUGH A PIPE'])
    assert.equal(await type(opened, '/usr/bin/guest c < /data/text | wc -c'), [String(TEXT.length)])
    assert.equal(await type(opened, 'cd /usr/bin; ./guest f /data/text | uniq'), [TEXT.split('\n')[0]])
    assert.equal(await type(opened, './guest x; echo $?'), ['7', 'begun'])
    assert.equal(await type(opened, 'guest x'), ['begun'])
    assert.equal(await type(opened, 'echo "was $?"'), ['was 7'])
    assert.equal(await type(opened, 'guest x || echo "$(guest a inner | tail -1)"'), ['inner', 'begun'])
    assert.equal(await type(opened, 'printf "1\\n2\\n" | xargs -n 1 guest a | grep -c guest'), ['2'])
    assert.equal(await type(opened, '/lib/script from'), ['4'])
    assert.equal(opened.complaints, [])
    await opened.page.context().close()
  })

  programs('a file is a program by what is in it, and commands get what is in it', async () => {
    const opened = await dropped(dir)
    assert.equal((await type(opened, '/lib/unmarked.txt a b')).slice(1), ['a', 'b'])
    assert.equal(await type(opened, 'stat -c %a /lib/unmarked.txt; grep -c wasi /lib/unmarked.txt'), ['644', '1'])
    assert.equal((await type(opened, 'wasi /usr/bin/guest a')).slice(1), ['a'])
    const sum = createHash('sha256').update(guestProgram()).digest('hex')
    assert.equal(await type(opened, 'cat /usr/bin/guest | sha256sum | cut -c-64'), [sum])
    assert.equal(await type(opened, 'sha256sum < /lib/unmarked.txt | cut -c-64'), [sum])
    const why: Readonly<Record<string, RegExp>> = {
      plain: /imports nothing of WASI/,
      library: /library for WASI.*no _start/,
      foreign: /needs env\.draw \(a function\)/,
      damaged: /damaged WebAssembly/,
      component: /component.*preview 1/,
      elf: /program for Linux machines/,
    }
    for (const [name, expected] of Object.entries(why)) {
      const line = (await type(opened, `/lib/${name}`)).join('')
      assert.match(line, expected)
      assert.match(line, new RegExp(`^/lib/${name} can’t be run: `))
    }
    assert.equal(await type(opened, 'echo $?'), ['126'])
    await shot(opened.page, 'program-refused')
    assert.equal(opened.complaints, [])
    await opened.page.context().close()
  })

  programs('what a program writes is in the tree when it has ended, as one step', async () => {
    const opened = await dropped(dir)
    const { page } = opened
    assert.match((await type(opened, 'echo no | guest w /tmp/new')).join(), /failed/)
    await startChanging(opened)
    await type(opened, 'guest f /data/text')
    await showView(page, 'Changes')
    assert.ok(await page.getByRole('button', { name: /^Undo/ }).isDisabled(), 'who only reads has changed nothing')
    await showView(page, 'Terminal')
    await prompts(page, 1)
    await type(opened, 'echo kept | guest w /tmp/new')
    assert.equal(await type(opened, 'cat /tmp/new; echo more >> /tmp/new; guest f /tmp/new'), ['kept', 'kept', 'more'])
    await type(opened, 'echo again | guest w /data/text')
    await changedPaths(opened, ['/data/text', '/tmp/new'])
    await shot(page, 'program-changes')
    assert.match(await page.locator('.changes-undo').innerText(), /what guest changed/)
    await page.getByRole('button', { name: /^Undo/ }).click()
    await changedPaths(opened, ['/tmp/new'])
    assert.equal(opened.complaints, [])
    await page.context().close()
  })

  programs('an endless program shows what it prints; the page goes on, and nothing is changed meanwhile', async () => {
    const opened = await dropped(dir)
    const { page } = opened
    await startChanging(opened)
    await type(opened, 'echo first | guest w /tmp/first')
    await begin(opened, 'guest l')
    await matches(() => terminalText(page), /^begun$/m)
    // The page goes on.
    await page.getByRole('treeitem', { name: /^data/ }).click()
    await page.waitForSelector('[role=treeitem][aria-selected=true]:has-text("data")')
    await showView(page, 'Changes')
    await page.getByRole('button', { name: /^Undo/ }).click()
    assert.match(await message(page, /runs in the terminal/), /guest runs in the terminal.*Ctrl-C/)
    await showView(page, 'Terminal')
    assert.equal(opened.complaints, [])
    await page.context().close()
  })

  programs('Ctrl-C ends a program at once, and the shell goes on', async () => {
    const opened = await dropped(dir)
    const { page } = opened
    for (const line of ['guest l', 'guest l | cat']) {
      await begin(opened, line)
      if (line === 'guest l') await matches(() => terminalText(page), /^begun$/m)
      await page.keyboard.press('Control+c')
      await shownOf(opened)
      assert.equal(await type(opened, 'guest a alive | tail -1'), ['alive'])
    }
    await startChanging(opened)
    await begin(opened, 'guest l')
    await matches(() => terminalText(page), /^begun$/m)
    await page.keyboard.press('Control+c')
    assert.match((await shownOf(opened)).join('\n'), /guest was ended: what it had changed is dropped/)
    await shot(page, 'program-ended')
    assert.equal(opened.complaints, [])
    await page.context().close()
  })

  programs('a program that means harm is shown, bounded, and ended', async () => {
    const opened = await dropped(dir)
    const { page } = opened
    const title = await page.title()
    const escapes = (await type(opened, 'guest e')).join('')
    assert.match(escapes, /owned.*red: R.*end/)
    assert.match(await terminalText(page), /␛|\\x1b|�|␛/u)
    assert.is(await page.title(), title)
    assert.match((await type(opened, 'guest t')).join('\n'), /guest: the program crashed: unreachable/)
    assert.equal(await type(opened, 'echo $?'), ['134'])
    const flood = await type(opened, 'guest p | head -2')
    assert.equal(flood.slice(0, 2), ['flood', 'flood'])
    assert.match(flood.join(' '), /was ended: it had written 16 MiB/)
    await begin(opened, 'guest p')
    const floods = await matches(() => terminalText(page), /was ended: [\s\S]*\$$/)
    assert.match(floods, /more characters are not shown/)
    assert.match(floods, /it had written 16 MiB/)
    const [count] = await type(opened, 'guest o')
    assert.ok(Number(count) > 100 && Number(count) < 10_000, count)
    await shot(page, 'program-hostile')
    assert.equal(opened.complaints, [])
    await page.context().close()
  })

  programs('stop', () => site.stop())
}
programs.run()
