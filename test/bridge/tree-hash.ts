// A mounted tree, read synchronously to its end: paths with types, links, and hashes of bytes.
import { createHash } from 'node:crypto'
import type nodeFs from 'node:fs'

type Fs = Pick<typeof nodeFs, 'readdirSync' | 'readFileSync' | 'readlinkSync' | 'lstatSync'>

export function hashesOf(fs: Fs, path = ''): string[] {
  const lines: string[] = []
  for (const name of fs.readdirSync(path === '' ? '/' : path).sort()) {
    const child = `${path}/${name}`
    const stat = fs.lstatSync(child)
    const line = `${child} ${stat.mode.toString(8)} ${stat.size}`
    if (stat.isDirectory()) lines.push(line, ...hashesOf(fs, child))
    else if (stat.isSymbolicLink()) lines.push(`${line} ${fs.readlinkSync(child)}`)
    else if (stat.isFile()) lines.push(`${line} ${createHash('sha256').update(fs.readFileSync(child)).digest('hex')}`)
    else lines.push(line)
  }
  return lines
}
