// The demo's program: WASI preview 1, made of AssemblyScript. It says what it was given, and lists a directory. Not here: where it is in
// the tree (demo-tree.mjs).
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What was compiled: the compiler takes seconds, and each test that builds the demo would wait for it. */
const CACHE = join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules/.cache/composefs-demo')

const SOURCE = `
// Calls of the system, as WASI preview 1 has them. An answer is 0, or what was wrong.
@external('wasi_snapshot_preview1', 'args_sizes_get') declare function argsSizes(count: usize, bytes: usize): u32
@external('wasi_snapshot_preview1', 'args_get') declare function argsGet(pointers: usize, bytes: usize): u32
@external('wasi_snapshot_preview1', 'environ_sizes_get') declare function environSizes(count: usize, bytes: usize): u32
@external('wasi_snapshot_preview1', 'environ_get') declare function environGet(pointers: usize, bytes: usize): u32
@external('wasi_snapshot_preview1', 'fd_write')
declare function fdWrite(fd: u32, vectors: usize, count: u32, written: usize): u32
@external('wasi_snapshot_preview1', 'path_open')
declare function pathOpen(
  dir: u32, follow: u32, path: usize, length: usize, how: u32, rights: u64, inheriting: u64, flags: u32, fd: usize,
): u32
@external('wasi_snapshot_preview1', 'fd_readdir')
declare function fdReaddir(fd: u32, into: usize, room: usize, from: u64, used: usize): u32
@external('wasi_snapshot_preview1', 'proc_exit') declare function exit(code: u32): void

const DIRECTORY: u32 = 2
const READDIR: u64 = 1 << 14
/** The first directory that a program finds open: the root. */
const ROOT: u32 = 3
const ROOM: u32 = 4096

function write(fd: u32, text: usize, length: usize): void {
  const vector = heap.alloc(12)
  store<u32>(vector, <u32>text)
  store<u32>(vector, <u32>length, 4)
  fdWrite(fd, vector, 1, vector + 8)
}

function say(text: string, fd: u32 = 1): void {
  const bytes = String.UTF8.encode(text)
  write(fd, changetype<usize>(bytes), bytes.byteLength)
}

/** Texts that the system gives: a table of pointers, and the bytes that they point to. */
function given(sizes: (count: usize, bytes: usize) => u32, get: (pointers: usize, bytes: usize) => u32): string[] {
  const size = heap.alloc(8)
  sizes(size, size + 4)
  const count = load<u32>(size)
  const pointers = heap.alloc(4 * count)
  get(pointers, heap.alloc(load<u32>(size, 4)))
  const texts: string[] = []
  for (let i: u32 = 0; i < count; i++) {
    const at: usize = load<u32>(pointers + 4 * i)
    let end = at
    while (load<u8>(end) != 0) end++
    texts.push(String.UTF8.decodeUnsafe(at, end - at))
  }
  return texts
}

function list(path: string): u32 {
  const name = String.UTF8.encode(path == '/' ? '.' : path.substring(path.startsWith('/') ? 1 : 0))
  const out = heap.alloc(8)
  const failed = pathOpen(ROOT, 1, changetype<usize>(name), name.byteLength, DIRECTORY, READDIR, 0, 0, out)
  if (failed) return failed
  const fd = load<u32>(out)
  const buffer = heap.alloc(ROOM)
  let from: u64 = 0
  for (;;) {
    const bad = fdReaddir(fd, buffer, ROOM, from, out)
    if (bad) return bad
    const used = load<u32>(out)
    // An entry is 24 bytes (the place of the next one, its number, length and type) and its name.
    let at: u32 = 0
    while (at + 24 <= used) {
      const length = load<u32>(buffer + at, 16)
      if (at + 24 + length > used) break
      const first = load<u8>(buffer + at, 24)
      const isDot = first == 0x2e && (length == 1 || (length == 2 && load<u8>(buffer + at, 25) == 0x2e))
      if (!isDot) {
        say('  ')
        write(1, buffer + at + 24, length)
        say(load<u8>(buffer + at, 20) == 3 ? '/\\n' : '\\n')
      }
      from = load<u64>(buffer + at)
      at += 24 + length
    }
    if (used < ROOM) break
  }
  return 0
}

function main(): void {
  const args = given(argsSizes, argsGet)
  const environment = given(environSizes, environGet)
  say('Hello from a WebAssembly program in the image.\\n')
  say('I am ' + args[0] + ', and was given ' + (args.length > 1 ? args.slice(1).join(', ') : 'nothing') + '.\\n')
  for (let i = 0; i < environment.length; i++) say('  ' + environment[i] + '\\n')
  const path = args.length > 1 ? args[1] : '/'
  say('This is in ' + path + ':\\n')
  const failed = list(path)
  if (failed) {
    say('hello: ' + path + " can't be listed (errno " + failed.toString() + ')\\n', 2)
    exit(1)
  }
}
`

async function compiled() {
  const { default: asc } = await import('assemblyscript/asc')
  const made = new Map()
  const args = [
    'hello.ts',
    '-o',
    'hello.wasm',
    '-O3',
    '--shrinkLevel',
    '2',
    '--runtime',
    'stub',
    '--exportStart',
    '_start',
  ]
  const { error, stderr } = await asc.main([...args, '--use', 'abort=', '--noAssert'], {
    readFile: name => (name === 'hello.ts' ? `${SOURCE}\nmain()\n` : null),
    writeFile: (name, data) => void made.set(name, data),
    listFiles: () => null,
  })
  if (error) throw new Error(`the demo's program does not compile:\n${stderr}`, { cause: error })
  return Buffer.from(made.get('hello.wasm'))
}

/** The program's bytes: the same at every build. */
export async function demoProgram() {
  const path = join(CACHE, `${createHash('sha256').update(SOURCE).digest('hex').slice(0, 16)}.wasm`)
  try {
    return readFileSync(path)
  } catch {
    // It is made now.
  }
  const bytes = await compiled()
  mkdirSync(CACHE, { recursive: true })
  const part = `${path}.${randomUUID()}`
  writeFileSync(part, bytes)
  renameSync(part, path)
  return bytes
}
