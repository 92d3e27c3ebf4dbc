// What stands in the playground's terminal. Not here: any test.
import type { Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { eventually } from './waiting.js'

function textOf(lines: readonly string[]): string {
  return lines
    .map(line => line.replace(/\u00A0/g, ' ').trimEnd())
    .join('\n')
    .trimEnd()
}

/** As it is drawn. */
export async function terminalText(page: Page): Promise<string> {
  return textOf(await page.locator('.xterm-rows > div').allTextContents())
}

/** As its library tells screen readers, which it does once a second. */
export async function toldText(page: Page): Promise<string> {
  return textOf(await page.locator('.xterm-accessibility-tree [role=listitem]').allInnerTexts())
}

const PROMPT = /^composefs:\S+\$/
const EMPTY = /^composefs:\S+\$$/

export function isPrompt(line: string): boolean {
  return PROMPT.test(line)
}

/** Waits until so many prompts stand there, the last of them empty and at the end; answers all lines. */
export async function prompts(page: Page, least: number): Promise<string[]> {
  let lines: string[] = []
  await eventually(async () => {
    lines = (await terminalText(page)).split('\n')
    const are = lines.filter(isPrompt).length >= least && EMPTY.test(lines.at(-1) ?? '')
    assert.ok(are, `no prompt: ${lines.join('\n')}`)
  })
  return lines
}
