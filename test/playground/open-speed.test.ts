// How soon a large image is there after it was dropped, and that closing one gives its memory back.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHROMIUM } from '../browser/chromium.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { Site } from './site.js'

const speed = suite('playground: speed of opening')
const reason = SHARED === undefined ? 'no vectors' : CHROMIUM === undefined ? 'no Chromium' : undefined
/** Milliseconds from the drop to the first rows. */
const BUDGET_MS = 150
const ROUNDS = 3
/** Images that are opened and closed again, and bytes that may be held of one more each. */
const TIMES = 30
const HELD_MAX = 1 << 20

/** Puts the file into the page, so that what is measured begins with the drop and not with the test's own way there. */
async function stage(page: Page, path: string): Promise<void> {
  await page.evaluate(() => {
    const input = document.createElement('input')
    input.type = 'file'
    input.id = 'staged'
    input.hidden = true
    document.body.append(input)
  })
  await page.setInputFiles('#staged', path)
}

/** Drops the staged file; milliseconds until the first rows below the root are painted. */
function dropStaged(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { files } = document.querySelector('#staged') as HTMLInputElement
    const dataTransfer = new DataTransfer()
    if (files !== null) dataTransfer.items.add(files[0])
    const before = performance.now()
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
    await new Promise<void>(resolve => {
      const seen = () => {
        if (document.querySelector('[role=treeitem][aria-level="2"]') === null) return
        watch.disconnect()
        // The frame after the one that draws them has been begun: they are painted.
        requestAnimationFrame(() => setTimeout(resolve))
      }
      const watch = new MutationObserver(seen)
      watch.observe(document.body, { subtree: true, childList: true })
      seen()
    })
    return performance.now() - before
  })
}

async function closeAll(page: Page): Promise<void> {
  for (const one of await page.getByRole('button', { name: /^Close .*developer/ }).all()) await one.click()
  await page.locator('.start').waitFor()
}

/** Memory is measured after a collection that is begun at once; else it is waited for, half a minute at worst. */
const EAGER = '--enable-blink-features=ForceEagerMeasureMemory'

/** Bytes of the page and its workers. */
function memory(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { measureUserAgentSpecificMemory } = performance as Performance & {
      measureUserAgentSpecificMemory(): Promise<{ readonly bytes: number }>
    }
    return (await measureUserAgentSpecificMemory.call(performance)).bytes
  })
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

if (reason !== undefined) skip(speed, 'speed of opening', reason)
else {
  const temp = mkdtempSync(join(tmpdir(), 'composefs-speed-'))
  process.once('exit', () => rmSync(temp, { recursive: true, force: true }))
  const path = join(temp, 'developer.cfs')
  writeFileSync(path, gunzipSync(readFileSync(vector('composefs/cs9-x86_64-developer.cfs.gz'))))
  const site = await Site.start([EAGER])

  speed('an image of 10 MB and 64,245 entries is there at once', async () => {
    const { page, complaints } = await site.open()
    await stage(page, path)
    await page.waitForTimeout(1500)
    const first = await dropStaged(page)
    const rounds: number[] = []
    const all: number[] = []
    // On a machine that is busy with other things, one round of some has to do.
    while (rounds.length < ROUNDS && !rounds.some(one => one <= BUDGET_MS)) {
      const times: number[] = []
      for (let i = 0; i < 5; i++) {
        await closeAll(page)
        await page.waitForTimeout(500)
        times.push(await dropStaged(page))
        all.push(times[i])
      }
      rounds.push(median(times))
      const shown = times.map(one => Math.round(one)).join(', ')
      console.log(`\nnote: drop of cs9-developer to first rows: ${Math.round(median(times))} ms (${shown})`)
    }
    console.log(`\nnote: the first drop: ${Math.round(first)} ms`)
    // Where others want the processors too, what they take is in every time but the best.
    const busy = loadavg()[0] > 1.5 * availableParallelism()
    assert.ok(Math.min(...(busy ? all : rounds)) <= BUDGET_MS, `${rounds.join(', ')} ms`)
    assert.equal(complaints, [])
    await page.context().close()
  })

  speed('closing an image gives its memory back', async () => {
    const { page, complaints } = await site.open()
    await stage(page, path)
    const sizes: number[] = []
    for (let i = 1; i <= TIMES; i++) {
      await dropStaged(page)
      await closeAll(page)
      if (i === 5 || i === TIMES) sizes.push(await memory(page))
    }
    const held = (sizes[1] - sizes[0]) / (TIMES - 5)
    console.log(
      `\nnote: ${TIMES} times opened and closed: ${sizes.map(one => `${(one / 2 ** 20).toFixed(1)} MiB`).join(' after 5, ')}`,
    )
    assert.ok(held < HELD_MAX, `${Math.round(held / 1024)} KiB of each image`)
    assert.equal(complaints, [])
    await page.context().close()
  })

  speed('stop', () => site.stop())
}
speed.run()
