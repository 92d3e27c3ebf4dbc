// A WASI program for tests, written in WebAssembly text: what it does depends on the first letter of its first argument. Not here: any
// test.
//
//   a   prints its arguments, a line each          o   opens / until it can't, then prints how often it could
//   c   copies its input to its output             p   endless output: a line again and again
//   e   prints what would steer a terminal         t   runs into a trap
//   f   prints the file that is its 2nd argument   w   writes its input into the file that is its 2nd argument
//   l   loops for ever, after a line               x   ends with exit code 7, after a line on its error output

import binaryen from 'binaryen'

const IMPORTS: Readonly<Record<string, string>> = {
  args_sizes_get: 'i32 i32',
  args_get: 'i32 i32',
  fd_write: 'i32 i32 i32 i32',
  fd_read: 'i32 i32 i32 i32',
  fd_close: 'i32',
  path_open: 'i32 i32 i32 i32 i32 i64 i64 i32 i32',
}

/** Memory: pointers of arguments from 1024, their bytes from 2048, a buffer from 8192, results from 64, a vector from 32. */
const CODE = `
(memory (export "memory") 1)
(data (i32.const 128) "begun\\nflood\\nfailed\\n")
(data (i32.const 160) "\\1b]0;owned\\07\\1b[2Jred: \\1b[31mR\\1b[0m \\1b]52;c;cm0gLXJm\\07end\\n")

(func $write (param $fd i32) (param $at i32) (param $length i32)
  (i32.store (i32.const 32) (local.get $at))
  (i32.store (i32.const 36) (local.get $length))
  (drop (call $fd_write (local.get $fd) (i32.const 32) (i32.const 1) (i32.const 64))))

(func $length (param $at i32) (result i32)
  (local $end i32)
  (local.set $end (local.get $at))
  (loop $more
    (if (i32.load8_u (local.get $end))
      (then (local.set $end (i32.add (local.get $end) (i32.const 1))) (br $more))))
  (i32.sub (local.get $end) (local.get $at)))

(func $argument (param $index i32) (result i32)
  (i32.load (i32.add (i32.const 1024) (i32.mul (local.get $index) (i32.const 4)))))

(func $arguments
  (local $i i32)
  (loop $more
    (call $write (i32.const 1) (call $argument (local.get $i)) (call $length (call $argument (local.get $i))))
    (i32.store8 (i32.const 8192) (i32.const 10))
    (call $write (i32.const 1) (i32.const 8192) (i32.const 1))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.load (i32.const 80))))))

(func $copy (param $from i32) (param $to i32)
  (loop $more
    (i32.store (i32.const 32) (i32.const 8192))
    (i32.store (i32.const 36) (i32.const 4096))
    (if (i32.eqz (call $fd_read (local.get $from) (i32.const 32) (i32.const 1) (i32.const 64)))
      (then
        (if (i32.load (i32.const 64))
          (then
            (call $write (local.get $to) (i32.const 8192) (i32.load (i32.const 64)))
            (br $more)))))))

;; A path from the root, without its slash. Ends the program where it can't be opened.
(func $open (param $path i32) (param $how i32) (param $rights i64) (result i32)
  (if (call $path_open (i32.const 3) (i32.const 1) (local.get $path) (call $length (local.get $path))
      (local.get $how) (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 72))
    (then
      (call $write (i32.const 2) (i32.const 140) (i32.const 7))
      (call $proc_exit (i32.const 1))))
  (i32.load (i32.const 72)))

(func $name (result i32)
  (local $at i32)
  (local.set $at (call $argument (i32.const 2)))
  (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 47))
    (then (local.set $at (i32.add (local.get $at) (i32.const 1)))))
  (local.get $at))

(func $number (param $value i32)
  (local $at i32)
  (local.set $at (i32.const 8300))
  (i32.store8 (local.get $at) (i32.const 10))
  (loop $more
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10))))
    (local.set $value (i32.div_u (local.get $value) (i32.const 10)))
    (br_if $more (local.get $value)))
  (call $write (i32.const 1) (local.get $at) (i32.sub (i32.const 8301) (local.get $at))))

(func $openAll
  (local $count i32)
  (i32.store8 (i32.const 8192) (i32.const 46))
  (block $done
    (loop $more
      (br_if $done (call $path_open (i32.const 3) (i32.const 1) (i32.const 8192) (i32.const 1)
        (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 72)))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $count) (i32.const 1000000)))))
  (call $number (local.get $count)))

(func (export "_start")
  (local $what i32)
  (drop (call $args_sizes_get (i32.const 80) (i32.const 84)))
  (drop (call $args_get (i32.const 1024) (i32.const 2048)))
  (if (i32.gt_u (i32.load (i32.const 80)) (i32.const 1))
    (then (local.set $what (i32.load8_u (call $argument (i32.const 1))))))
  (if (i32.eq (local.get $what) (i32.const 97)) (then (call $arguments)))
  (if (i32.eq (local.get $what) (i32.const 99)) (then (call $copy (i32.const 0) (i32.const 1))))
  (if (i32.eq (local.get $what) (i32.const 101)) (then (call $write (i32.const 1) (i32.const 160) (i32.const 53))))
  (if (i32.eq (local.get $what) (i32.const 102))
    (then (call $copy (call $open (call $name) (i32.const 0) (i64.const 2)) (i32.const 1))))
  (if (i32.eq (local.get $what) (i32.const 108))
    (then
      (call $write (i32.const 1) (i32.const 128) (i32.const 6))
      (loop $ever (br $ever))))
  (if (i32.eq (local.get $what) (i32.const 111)) (then (call $openAll)))
  (if (i32.eq (local.get $what) (i32.const 112))
    (then (loop $ever (call $write (i32.const 1) (i32.const 134) (i32.const 6)) (br $ever))))
  (if (i32.eq (local.get $what) (i32.const 116)) (then (unreachable)))
  (if (i32.eq (local.get $what) (i32.const 119))
    (then (call $copy (i32.const 0) (call $open (call $name) (i32.const 9) (i64.const 64)))))
  (if (i32.eq (local.get $what) (i32.const 120))
    (then
      (call $write (i32.const 2) (i32.const 128) (i32.const 6))
      (call $proc_exit (i32.const 7)))))
`

function moduleOf(text: string): Uint8Array {
  const module = binaryen.parseText(`(module ${text})`)
  try {
    return module.emitBinary()
  } finally {
    module.dispose()
  }
}

export function guestProgram(): Uint8Array {
  const imports = Object.entries(IMPORTS).map(
    ([name, types]) => `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${types}) (result i32)))`,
  )
  const exit = '(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))'
  return moduleOf([...imports, exit, CODE].join('\n'))
}

/** WebAssembly that is no program: nothing of WASI in it; no beginning; something that only a page would have. */
export function otherModules(): Readonly<Record<string, Uint8Array>> {
  const wasi = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
  return {
    plain: moduleOf('(memory (export "memory") 1) (func (export "_start"))'),
    library: moduleOf(`${wasi} (memory (export "memory") 1)`),
    foreign: moduleOf(
      `${wasi} (import "env" "draw" (func $draw)) (memory (export "memory") 1) (func (export "_start") (call $draw))`,
    ),
    damaged: moduleOf('(memory (export "memory") 1)').slice(0, -2),
    component: Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0),
  }
}
