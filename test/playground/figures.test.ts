// How fast browsing is: the budgets of a folder with 100,000 entries, and of searching while typing.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHROMIUM } from '../browser/chromium.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { MANY, wideImage } from './browse-images.js'
import { longestTask, median, type Scrolled, scrollFor, timeKeys, typeWords } from './figures.js'
import { Site, shot } from './site.js'

const LONG_TASK_MS = 50
const KEY_MS = 30
const FRAME_MS = 1000 / 60
const WORDS = ['libc', 'python', 'README', 'kernel', 'x86_64', 'systemd', 'utf8', 'header', 'license', 'zoneinfo']

const figures = suite('playground: how fast it is')
const site = CHROMIUM === undefined ? undefined : await Site.start()

async function pick(page: Page, file: string): Promise<void> {
  await page.locator('input[type=file]').first().setInputFiles(file)
  await page.waitForSelector('[role=treeitem]')
}

/** How many processes want each processor, 1 at least. */
const busyness = () => Math.max(1, round(loadavg()[0] / cpus().length))
const round = (value: number) => Math.round(value * 10) / 10

if (site === undefined) skip(figures, 'how fast it is', 'no Chromium')
else {
  figures('a folder with 100,000 entries is scrolled without a long task', async () => {
    const { file } = await wideImage(false)
    const { page, complaints } = await site.open()
    await pick(page, file)
    await page.locator('[role=tree]').focus()
    await page.keyboard.press('ArrowDown')
    const began = performance.now()
    await page.keyboard.press('ArrowRight')
    await page.waitForSelector('text=entry-000000.txt')
    console.log(`note: unfolding ${MANY} entries: ${Math.round(performance.now() - began)} ms`)
    const runs: Scrolled[] = []
    const tasks: number[] = []
    // What else this machine does makes tasks longer: the best of three counts.
    while (runs.length < 3 && (tasks.at(-1) ?? LONG_TASK_MS + 1) > LONG_TASK_MS) {
      tasks.push(
        await longestTask(page, async () => {
          runs.push(await scrollFor(page, '[role=tree]', 3000, 700))
        }),
      )
      const { longestTask: seen, frames, medianFrame, slowestFrame } = runs[runs.length - 1]
      const words = `${frames} frames, median ${round(medianFrame)} ms, slowest ${round(slowestFrame)} ms`
      const most = `longest task ${round(tasks[tasks.length - 1])} ms on a processor, ${round(seen)} ms by the clock`
      console.log(`note: scrolling 700 px a frame: ${words}; ${most}; load ${busyness()}`)
    }
    await page.mouse.move(150, 400)
    for (let i = 0; i < 10; i++) await page.mouse.wheel(0, 5000)
    await page.keyboard.press('End')
    await page.waitForSelector(`text=entry-0${MANY - 1}.txt`)
    await shot(page, 'browse-many')
    assert.ok(Math.min(...tasks) <= LONG_TASK_MS, `tasks of ${tasks.join(', ')} ms`)
    // A frame in three may be late, for others' sake.
    assert.ok(Math.min(...runs.map(run => run.medianFrame)) < FRAME_MS * 1.5)
    assert.equal(complaints, [])
    await page.context().close()
  })

  if (SHARED === undefined) skip(figures, 'search while typing', 'no shared vectors')
  else {
    figures('a search over 64,245 names is answered before the next key', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'composefs-figures-'))
      process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
      const file = join(dir, 'cs9-developer.cfs')
      writeFileSync(file, gunzipSync(readFileSync(vector('composefs', 'cs9-x86_64-developer.cfs.gz'))))
      const { page, complaints } = await site.open()
      await pick(page, file)
      await page.waitForTimeout(1500)
      await timeKeys(page)
      let best = Number.POSITIVE_INFINITY
      // A machine that others use as well is as much slower.
      const budget = KEY_MS * busyness()
      for (let run = 0; run < 3 && best > KEY_MS; run++) {
        const keys = await typeWords(page, WORDS)
        assert.is(keys.length, WORDS.join('').length)
        const [middle, most] = [median(keys), Math.max(...keys)]
        best = Math.min(best, middle)
        console.log(
          `note: ${keys.length} keys over 64,245 names: median ${round(middle)} ms, slowest ${round(most)} ms`,
        )
      }
      assert.ok(best <= budget, `${best} ms a key`)
      assert.equal(complaints, [])
      await page.context().close()
    })
  }
  figures('stop', () => site.stop())
}
figures.run()
