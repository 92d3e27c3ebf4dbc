// How fast a page is, as it sees it itself: tasks and frames while it is scrolled, the time from a key to what is painted. Not
// here: what is fast enough.
import type { CDPSession, Page } from 'playwright-core'

export interface Scrolled {
  /** The longest task, 0 where none was long (50 ms) at all. Milliseconds. */
  readonly longestTask: number
  readonly frames: number
  /** Milliseconds between two frames. */
  readonly medianFrame: number
  readonly slowestFrame: number
}

/** Scrolls what a selector finds for a while, so many pixels a frame. */
export function scrollFor(page: Page, selector: string, milliseconds: number, step: number): Promise<Scrolled> {
  return page.evaluate(
    async ([selector, milliseconds, step]) => {
      const list = document.querySelector(selector)
      if (list === null) throw new Error(`nothing is ${selector}`)
      let longestTask = 0
      const watch = new PerformanceObserver(seen => {
        for (const task of seen.getEntries()) longestTask = Math.max(longestTask, task.duration)
      })
      watch.observe({ type: 'longtask' })
      const frames: number[] = []
      const began = performance.now()
      let last = began
      await new Promise<void>(resolve => {
        const frame = (now: number) => {
          frames.push(now - last)
          last = now
          list.scrollTop += step
          if (now - began < milliseconds) requestAnimationFrame(frame)
          else resolve()
        }
        requestAnimationFrame(frame)
      })
      await new Promise(resolve => setTimeout(resolve, 100))
      watch.disconnect()
      const sorted = frames.slice(1).sort((a, b) => a - b)
      const medianFrame = sorted[sorted.length >> 1]
      return { longestTask, frames: frames.length, medianFrame, slowestFrame: sorted.at(-1) ?? 0 }
    },
    [selector, milliseconds, step] as const,
  )
}

/** From now on every key in the search box is timed: from its event until the answer to it has been painted. */
export async function timeKeys(page: Page): Promise<void> {
  await page.evaluate(() => {
    const times: number[] = []
    Object.assign(globalThis, { keyTimes: times })
    document.addEventListener(
      'input',
      event => {
        const began = event.timeStamp
        const wanted = (event.target as HTMLInputElement).value
        const isThere = () => document.querySelector('.search-status')?.getAttribute('data-query') === wanted
        const painted = () => {
          const { port1, port2 } = new MessageChannel()
          port1.onmessage = () => times.push(performance.now() - began)
          port2.postMessage(undefined)
        }
        const watch = new MutationObserver(() => {
          if (!isThere()) return
          watch.disconnect()
          requestAnimationFrame(painted)
        })
        watch.observe(document.body, { subtree: true, childList: true, attributes: true })
      },
      true,
    )
  })
}

/** Types words letter by letter, each letter once the one before has been answered. Milliseconds of each key. */
export async function typeWords(page: Page, words: readonly string[]): Promise<number[]> {
  let keys = await page.evaluate(() => (globalThis as unknown as { keyTimes: number[] }).keyTimes.length)
  const first = keys
  for (const word of words) {
    await page.fill('.search input', '')
    for (const letter of word) {
      await page.locator('.search input').press(letter)
      keys++
      await page.waitForFunction(
        wanted => (globalThis as unknown as { keyTimes: number[] }).keyTimes.length >= wanted,
        keys,
      )
    }
  }
  return page.evaluate(from => (globalThis as unknown as { keyTimes: number[] }).keyTimes.slice(from), first)
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** Microseconds on a processor. */
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/**
 * The longest task of the page's main thread while something is done: the time that it was on a processor, which is what the page
 * asks for however busy the machine is. Milliseconds.
 */
export async function longestTask(page: Page, action: () => Promise<unknown>): Promise<number> {
  const session: CDPSession = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  const complete = new Promise(resolve => session.once('Tracing.tracingComplete', resolve))
  const includedCategories = ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata']
  await session.send('Tracing.start', { traceConfig: { includedCategories }, transferMode: 'ReportEvents' })
  await action()
  await session.send('Tracing.end')
  await complete
  await session.detach()
  const mains = events.filter(one => one.name === 'thread_name' && one.args?.name === 'CrRendererMain')
  const isMain = (one: TraceEvent) => mains.some(main => main.pid === one.pid && main.tid === one.tid)
  const tasks = events.filter(one => /RunTask$/.test(one.name) && one.tdur !== undefined && isMain(one))
  if (tasks.length === 0) throw new Error('no tasks were traced')
  return Math.max(...tasks.map(one => one.tdur ?? 0)) / 1000
}
