// Of node:path, node:os and node:url what tests use.

export function normalize(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `${path.startsWith('/') ? '/' : ''}${parts.join('/')}`
}

export const join = (...parts: string[]): string => normalize(parts.filter(part => part !== '').join('/'))
export const dirname = (path: string): string => normalize(`${path}/..`)
export const tmpdir = (): string => '/tmp'

export function pathToFileURL(path: string): URL {
  const escaped = encodeURIComponent(path).replaceAll('%2F', '/')
  return new URL(`file://${escaped}`)
}
