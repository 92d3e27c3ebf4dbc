// A small directory with what file trees have that is awkward: links of all kinds and loops of them, names that are not
// UTF-8 or long, files without any permission, sparse ones, deep directories.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Directories between the tree and the temporary directory: paths that climb must not meet what others change there. */
const DEPTH = 3

/** Makes it below the temporary directory; remove it with removeOddTree. */
export function makeOddTree(): string {
  const base = fs.mkdtempSync(join(tmpdir(), 'odd-tree-'))
  const dir = join(base, ...Array.from({ length: DEPTH }, () => 'in'))
  fs.mkdirSync(dir, { recursive: true })
  const at = (...parts: string[]) => join(dir, ...parts)
  fs.mkdirSync(at('usr/share/deep/er/and/deeper'), { recursive: true })
  fs.mkdirSync(at('empty'))
  fs.mkdirSync(at('name with spaces'))
  fs.writeFileSync(at('name with spaces', 'ünï©ødé 💾'), 'text\n')
  fs.writeFileSync(at('usr/share/plain.txt'), 'one\ntwo\r\nthree')
  fs.writeFileSync(
    at('usr/share/bytes'),
    Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) & 0xff),
  )
  fs.writeFileSync(at('usr/share/deep/er/and/deeper/file'), 'down here')
  fs.writeFileSync(at('nothing'), '')
  fs.writeFileSync(at('script'), '#!/bin/sh\n', { mode: 0o755 })
  // The host keeps everyone but root out of a file without permissions; a mount keeps no one out.
  fs.writeFileSync(at('secret'), 'x', { mode: process.getuid?.() === 0 ? 0o000 : 0o600 })
  fs.writeFileSync(at('n'.repeat(255)), 'long name')
  fs.writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0x6e, 0xff, 0xfe, 0x2e])]), 'not utf-8')
  fs.mkdirSync(Buffer.concat([Buffer.from(`${dir}/empty/`), Buffer.from([0xc3, 0x28])]))
  fs.truncateSync(at('nothing'), 0)
  fs.writeFileSync(at('sparse'), '')
  fs.truncateSync(at('sparse'), 1_000_000)
  fs.linkSync(at('script'), at('script-too'))
  fs.symlinkSync('usr/share', at('link-to-dir'))
  fs.symlinkSync('plain.txt', at('usr/share/link-to-file'))
  fs.symlinkSync('../../script', at('usr/share/link-up'))
  fs.symlinkSync('nowhere', at('dangling'))
  fs.symlinkSync('nowhere/at/all', at('dangling-deep'))
  fs.symlinkSync('loop-b', at('loop-a'))
  fs.symlinkSync('loop-a', at('loop-b'))
  fs.symlinkSync('self', at('self'))
  fs.symlinkSync('plain.txt/', at('usr/share/link-with-slash'))
  for (let index = 0; index < 45; index++)
    fs.symlinkSync(index === 0 ? 'script' : `chain-${index - 1}`, at(`chain-${index}`))
  for (const [path, seconds] of [
    ['script', 1.5],
    ['secret', 0],
    ['usr/share/bytes', 1e9 + 0.123456789],
  ] as const) {
    fs.utimesSync(at(path), seconds, seconds)
  }
  return dir
}

export function removeOddTree(dir: string): void {
  fs.rmSync(join(dir, ...Array.from({ length: DEPTH }, () => '..')), { recursive: true, force: true })
}
