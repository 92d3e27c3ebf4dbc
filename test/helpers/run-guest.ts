// A small program for `composefs run`, in AssemblyScript, so that a clone alone can make it: its first argument says what it does.
// Not here: what is expected of it.
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import asc from 'assemblyscript/asc'

/** What a program says with is written whole; an error of any call is its exit status. */
const SOURCE = `
@external("wasi_snapshot_preview1", "args_sizes_get") declare function args_sizes_get(count: usize, size: usize): i32
@external("wasi_snapshot_preview1", "args_get") declare function args_get(argv: usize, buffer: usize): i32
@external("wasi_snapshot_preview1", "environ_sizes_get") declare function environ_sizes_get(count: usize, size: usize): i32
@external("wasi_snapshot_preview1", "environ_get") declare function environ_get(environ: usize, buffer: usize): i32
@external("wasi_snapshot_preview1", "fd_read") declare function fd_read(fd: i32, iovs: usize, count: i32, out: usize): i32
@external("wasi_snapshot_preview1", "fd_write") declare function fd_write(fd: i32, iovs: usize, count: i32, out: usize): i32
@external("wasi_snapshot_preview1", "fd_fdstat_get") declare function fd_fdstat_get(fd: i32, out: usize): i32
@external("wasi_snapshot_preview1", "fd_prestat_get") declare function fd_prestat_get(fd: i32, out: usize): i32
@external("wasi_snapshot_preview1", "fd_prestat_dir_name") declare function fd_prestat_dir_name(fd: i32, at: usize, length: usize): i32
@external("wasi_snapshot_preview1", "path_open") declare function path_open(
  fd: i32, look: i32, at: usize, length: usize, oflags: i32, base: i64, inheriting: i64, flags: i32, out: usize): i32
@external("wasi_snapshot_preview1", "fd_sync") declare function fd_sync(fd: i32): i32
@external("wasi_snapshot_preview1", "proc_exit") declare function proc_exit(code: i32): void

const PIECE: usize = 65536
const iov: usize = heap.alloc(16)
const buffer: usize = heap.alloc(PIECE)

function put(fd: i32, at: usize, length: usize): void {
  while (length > 0) {
    store<u32>(iov, <u32>at)
    store<u32>(iov, <u32>length, 4)
    const failed = fd_write(fd, iov, 1, iov + 8)
    if (failed) proc_exit(failed)
    at += load<u32>(iov, 8)
    length -= load<u32>(iov, 8)
  }
}

function say(fd: i32, text: string): void {
  const bytes = String.UTF8.encode(text)
  put(fd, changetype<usize>(bytes), bytes.byteLength)
}

/** argv or environ, as texts. */
function texts(environ: bool): string[] {
  if (environ) environ_sizes_get(iov, iov + 4)
  else args_sizes_get(iov, iov + 4)
  const count = load<u32>(iov)
  const at = heap.alloc(count * 4)
  const space = heap.alloc(load<u32>(iov, 4))
  if (environ) environ_get(at, space)
  else args_get(at, space)
  const found: string[] = []
  for (let i: u32 = 0; i < count; i++) {
    const text: usize = load<u32>(at + i * 4)
    let length: usize = 0
    while (load<u8>(text + length)) length++
    found.push(String.UTF8.decodeUnsafe(text, length))
  }
  return found
}

function copy(from: i32, to: i32): void {
  while (true) {
    store<u32>(iov, <u32>buffer)
    store<u32>(iov, <u32>PIECE, 4)
    const failed = fd_read(from, iov, 1, iov + 8)
    if (failed) proc_exit(failed)
    const count: usize = load<u32>(iov, 8)
    if (count == 0) return
    put(to, buffer, count)
  }
}

/** Below the first directory that was given. */
function open(path: string, oflags: i32, rights: i64): i32 {
  const bytes = String.UTF8.encode(path)
  const failed = path_open(3, 1, changetype<usize>(bytes), bytes.byteLength, oflags, rights, 0, 0, iov)
  if (failed) proc_exit(failed)
  return load<i32>(iov)
}

function deeper(n: i32): i32 {
  return n == i32.MIN_VALUE ? 0 : deeper(n + 1) + deeper(n ^ 1) + 1
}

export function _start(): void {
  const args = texts(false)
  const what = args.length > 1 ? args[1] : ""
  if (what == "args") for (let i = 0; i < args.length; i++) say(1, args[i] + "\\n")
  else if (what == "env") {
    const all = texts(true)
    for (let i = 0; i < all.length; i++) say(1, all[i] + "\\n")
  } else if (what == "cat") copy(0, 1)
  else if (what == "exit") proc_exit(<i32>parseInt(args[2]))
  else if (what == "trap") unreachable()
  else if (what == "overflow") say(1, deeper(1).toString())
  else if (what == "read") copy(open(args[2], 0, 2), 1)
  else if (what == "write") {
    const fd = open(args[2], 9, 66)
    say(fd, args[3])
    if (args.length > 4) {
      fd_sync(fd)
      say(1, "synced\\n")
      while (true) copy(0, 1)
    }
  } else if (what == "complain") say(2, args[2] + "\\n")
  else if (what == "fill") {
    memory.fill(buffer, 0x78, PIECE)
    for (let left = <i32>parseInt(args[2]); left > 0; left--) put(1, buffer, PIECE)
  } else if (what == "types") {
    for (let fd = 0; fd < 3; fd++) {
      fd_fdstat_get(fd, buffer)
      say(2, load<u8>(buffer).toString() + "\\n")
    }
  } else if (what == "preopens") {
    for (let fd = 3; fd_prestat_get(fd, iov) == 0; fd++) {
      fd_prestat_dir_name(fd, buffer, load<u32>(iov, 4))
      put(1, buffer, load<u32>(iov, 4))
      say(1, "\\n")
    }
  } else proc_exit(99)
}
`

/** Writes the compiled program to a path. */
export async function writeGuest(path: string): Promise<void> {
  const name = 'guest.ts'
  const output = 'guest.wasm'
  let binary: Uint8Array | undefined
  const args = [name, '-o', output, '--runtime', 'stub', '-O', '--use', 'abort=']
  const { error, stderr } = await asc.main(args, {
    readFile: (file, base) => {
      if (file === name) return SOURCE
      const found = join(base, file)
      return fs.existsSync(found) ? fs.readFileSync(found, 'utf8') : null
    },
    writeFile: (file, content) => {
      if (file === output) binary = content as Uint8Array
    },
    listFiles: () => null,
  })
  if (error !== null || binary === undefined) throw new Error(`the guest does not compile:\n${stderr.toString()}`)
  fs.mkdirSync(dirname(path), { recursive: true })
  fs.writeFileSync(path, binary)
}
