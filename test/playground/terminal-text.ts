// What stands in the playground's terminal, as its library tells screen readers. Not here: any test.
import type { Page } from 'playwright-core'

export async function terminalText(page: Page): Promise<string> {
  return (await page.locator('.xterm-accessibility-tree [role=listitem]').allInnerTexts())
    .map(line => line.replace(/\u00A0/g, ' ').trimEnd())
    .join('\n')
    .trimEnd()
}

const PROMPT = /^composefs:\S+\$/
const EMPTY = /^composefs:\S+\$$/

export function isPrompt(line: string): boolean {
  return PROMPT.test(line)
}

/** Waits until so many prompts stand there, the last of them empty and at the end; answers all lines. */
export async function prompts(page: Page, least: number): Promise<string[]> {
  for (let left = 200; left > 0; left--) {
    const lines = (await terminalText(page)).split('\n')
    if (lines.filter(isPrompt).length >= least && EMPTY.test(lines.at(-1) ?? '')) return lines
    await page.waitForTimeout(50)
  }
  throw new Error(`no prompt: ${await terminalText(page)}`)
}
