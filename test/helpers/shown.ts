// What a call on an `fs` answered, in plain values that can be compared: classes by their names, bytes in hex, errors by
// what users see of them. A side's root is taken out of every path.

const STATS_METHODS = [
  'isFile',
  'isDirectory',
  'isSymbolicLink',
  'isFIFO',
  'isSocket',
  'isBlockDevice',
  'isCharacterDevice',
]
const NUMBERS = ['dev', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'blksize', 'ino', 'size', 'blocks']
const TIMES = ['atime', 'mtime', 'ctime', 'birthtime']
const ERROR_FIELDS = ['code', 'errno', 'syscall', 'path', 'dest', 'filename', 'name']

type Fields = Record<string, unknown>

function text(value: string, root: string): string {
  // A path with a NUL is shown in full, as bytes where it is bytes.
  if (value.includes('without null bytes. Received')) return value.slice(0, value.indexOf(' Received'))
  if (root === '') return value
  return value === root ? '/' : value.replaceAll(root, '')
}

function bytes(value: Uint8Array, root: string): string {
  const plain = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return `bytes ${root === '' ? plain.toString('hex') : Buffer.from(text(plain.toString('latin1'), root), 'latin1').toString('hex')}`
}

function answers(value: Fields): string[] {
  return STATS_METHODS.filter(name => (value[name] as () => boolean)())
}

/** The two sides' accesses change atime on one of them at most: it is compared by its kind alone. */
function stats(value: Fields, ignore: readonly string[]): Fields {
  const found: Fields = { class: value.constructor.name, is: answers(value) }
  for (const name of NUMBERS) if (!ignore.includes(name)) found[name] = value[name]
  for (const name of TIMES) {
    for (const field of [`${name}Ms`, `${name}Ns`, name]) {
      const time = value[field]
      found[field] = ignore.includes(name) ? typeof time : time instanceof Date ? time.getTime() : time
    }
  }
  return found
}

function error(value: Error, root: string): Fields {
  // Node's own two classes for the errors of its file operations have one name in ours.
  const kind = value.constructor.name.replace('NodeError', 'SystemError')
  const found: Fields = { class: kind, message: text(value.message, root) }
  // The six characters at the end are of chance.
  const chance = (value as unknown as Fields)['syscall'] === 'mkdtemp'
  if (chance) found['message'] = text(value.message, root).slice(0, -7)
  for (const name of ERROR_FIELDS) {
    const field = (value as unknown as Fields)[name]
    if (field !== undefined && !(chance && name === 'path'))
      found[name] = typeof field === 'string' ? text(field, root) : field
  }
  return { error: found }
}

/** A value as it is compared. */
export function shown(value: unknown, root: string, ignore: readonly string[]): unknown {
  if (typeof value === 'string') return text(value, root)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Error) return error(value, root)
  if (value instanceof Uint8Array) return bytes(value, root)
  if (ArrayBuffer.isView(value)) return `view ${Buffer.from(value.buffer).toString('hex')}`
  if (value instanceof Date) return value.getTime()
  if (Array.isArray(value)) return value.map(item => shown(item, root, ignore))
  const fields = value as Fields
  if ('birthtimeMs' in fields) return stats(fields, ignore)
  if ('isDirectory' in fields) {
    const { name, parentPath, path } = fields
    return {
      class: value.constructor.name,
      is: answers(fields),
      entry: [name, parentPath, path].map(part => shown(part, root, ignore)),
    }
  }
  const kept = Object.entries(fields).filter(([name]) => !ignore.includes(name))
  return Object.fromEntries(kept.map(([name, field]) => [name, shown(field, root, ignore)]))
}
