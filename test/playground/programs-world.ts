// What tests of programs in the playground's terminal have in common: an image with programs in it and its objects, and how a line is
// typed. Not here: any test.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buildImage, MemoryStore, merkleTree, TreeBuilder } from '../../src/node.js'
import { sha256 } from '../helpers/store-hash.js'
import { guestProgram, otherModules } from './guest-program.js'
import type { OpenPage } from './site.js'
import { isPrompt, prompts, terminalText } from './terminal-text.js'
import { becomes, matches, showView } from './waiting.js'

/** Long enough to lie beside the image. */
export const TEXT = `${'What a program reads when it asks for it.\n'.repeat(40)}`

export interface ProgramsWorld {
  readonly dir: string
  readonly digest: string
}

/** image.cfs, its Merkle tree, and objects/; all gone with the process. `more`: further files. */
export async function programsWorld(more: Readonly<Record<string, Uint8Array>> = {}): Promise<ProgramsWorld> {
  const builder = new TreeBuilder()
  for (const path of ['/usr', '/usr/bin', '/lib', '/data', '/tmp']) builder.addDirectory(path)
  const guest = guestProgram()
  builder.addFile('/usr/bin/guest', guest, { mode: 0o755 })
  // The name does not matter, nor does the mode.
  builder.addFile('/lib/unmarked.txt', guest, { mode: 0o644 })
  for (const [name, bytes] of Object.entries(otherModules())) builder.addFile(`/lib/${name}`, bytes, { mode: 0o755 })
  builder.addFile('/lib/elf', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0), { mode: 0o755 })
  builder.addFile('/lib/script', 'guest a from "$1" | wc -l\n', { mode: 0o755 })
  builder.addFile('/data/text', TEXT)
  for (const [path, bytes] of Object.entries(more)) builder.addFile(path, bytes, { mode: 0o755 })
  const store = new MemoryStore()
  const { image, digest } = await buildImage(builder, { store })
  const dir = mkdtempSync(join(tmpdir(), 'composefs-programs-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  writeFileSync(join(dir, 'image.cfs'), image)
  writeFileSync(join(dir, 'image.cfs.verity'), merkleTree(image, sha256))
  for await (const name of store.list()) {
    const object = await store.open(name)
    mkdirSync(dirname(join(dir, 'objects', name)), { recursive: true })
    writeFileSync(join(dir, 'objects', name), await object.read(0, object.size))
  }
  return { dir, digest }
}

/** Shows the terminal of what is open. */
export async function startTerminal(opened: OpenPage): Promise<void> {
  await opened.page.waitForSelector('[role=treeitem]')
  await showView(opened.page, 'Terminal')
  await prompts(opened.page, 1)
}

/** Types a line into an empty terminal, and waits until it is done; answers what is shown of it, without the prompts. */
export async function type(opened: OpenPage, line: string): Promise<string[]> {
  await begin(opened, line)
  return shownOf(opened)
}

/** Types a line into an empty terminal. */
export async function begin({ page }: OpenPage, line: string): Promise<void> {
  await page.keyboard.type('clear\n')
  await matches(() => terminalText(page), /^composefs:\S+\$$/)
  await page.keyboard.type(line)
  await page.keyboard.press('Enter')
}

/** What is shown of the line that was typed, once it is done. */
export async function shownOf({ page }: OpenPage): Promise<string[]> {
  const lines = await prompts(page, 2)
  return lines.filter(line => line !== '' && !isPrompt(line))
}

/** From now on the tree can be changed. */
export async function startChanging(opened: OpenPage): Promise<void> {
  const { page } = opened
  await page.getByRole('tab', { name: 'Changes' }).click()
  await page.getByRole('button', { name: 'Start changing' }).first().click()
  await page.locator('.view-changes .changes').waitFor()
  await startTerminal(opened)
}

/** What the view of changes comes to list: paths. */
export async function changedPaths({ page }: OpenPage, expected: readonly string[]): Promise<void> {
  await showView(page, 'Changes')
  await becomes(() => page.locator('.changes-list .change-path').allInnerTexts(), [...expected])
}
