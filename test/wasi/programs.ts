// Small WebAssembly programs for tests, put together byte by byte: what no compiler makes, and what needs none. Not here: those of
// guests/, which clang compiles.

const I32 = 0x7f
const I64 = 0x7e

function uleb(value: number): number[] {
  const out: number[] = []
  do {
    const byte = value % 128
    value = Math.floor(value / 128)
    out.push(value > 0 ? byte | 0x80 : byte)
  } while (value > 0)
  return out
}

function sleb(value: number): number[] {
  const out: number[] = []
  for (;;) {
    const byte = value & 0x7f
    value >>= 7
    if ((value === 0 && (byte & 0x40) === 0) || (value === -1 && (byte & 0x40) !== 0)) return [...out, byte]
    out.push(byte | 0x80)
  }
}

const vec = (items: readonly number[][]) => [...uleb(items.length), ...items.flat()]
const text = (value: string) => [...uleb(value.length), ...Buffer.from(value, 'latin1')]
const section = (id: number, body: number[]) => [id, ...uleb(body.length), ...body]

export interface ProgramForm {
  /** Functions of the host by name, each with the types of what it takes (`i`: 32 bits, `I`: 64) and whether it answers. */
  readonly imports?: Readonly<Record<string, readonly [takes: string, answers: boolean]>>
  /** Where they come from. */
  readonly from?: string
  /** Instructions of the entry; `call` of imports counts from 0 in their order, the entry itself comes behind them. */
  readonly body: readonly number[]
  readonly data?: readonly (readonly [at: number, bytes: string])[]
  /** Under which name the entry is exported. */
  readonly entry?: string
  readonly memory?: boolean
  /** Whether the entry runs as the module starts, too. */
  readonly starts?: boolean
  /** Whether it has a tag, 0, to throw. */
  readonly tag?: boolean
}

export const op = {
  const: (value: number) => [0x41, ...sleb(value)],
  const64: (value: number) => [0x42, ...sleb(value)],
  call: (index: number) => [0x10, ...uleb(index)],
  drop: [0x1a],
  trap: [0x00],
  throw: [0x08, 0],
  /** (address, value) */
  store: [0x36, 2, 0],
  load: [0x28, 2, 0],
  /** Again and again, without end. */
  forever: (body: readonly number[]) => [0x03, 0x40, ...body, 0x0c, 0, 0x0b],
}

export function program(form: ProgramForm): Uint8Array<ArrayBuffer> {
  const {
    imports = {},
    from = 'wasi_snapshot_preview1',
    body,
    data = [],
    entry = '_start',
    memory = true,
    starts,
    tag = false,
  } = form
  const types = Object.values(imports).map(([takes, answers]) => [
    0x60,
    ...vec([...takes].map(type => [type === 'I' ? I64 : I32])),
    ...vec(answers ? [[I32]] : []),
  ])
  const own = types.length
  const code = [1, 1, I32, ...body, 0x0b]
  const exports = [[...text(entry), 0, ...uleb(own)], ...(memory ? [[...text('memory'), 2, 0]] : [])]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vec([...types, [0x60, 0, 0]])),
    ...section(2, vec(Object.keys(imports).map((name, i) => [...text(from), ...text(name), 0, ...uleb(i)]))),
    ...section(3, vec([uleb(own)])),
    ...(memory ? section(5, vec([[0, 1]])) : []),
    ...(tag ? section(13, vec([[0, ...uleb(own)]])) : []),
    ...section(7, vec(exports)),
    ...(starts === true ? section(8, uleb(own)) : []),
    ...section(10, vec([[...uleb(code.length), ...code]])),
    ...(memory ? section(11, vec(data.map(([at, bytes]) => [0, ...op.const(at), 0x0b, ...text(bytes)]))) : []),
  ])
}

const WRITE = { fd_write: ['iiii', true] } as const

/** Writes a text to a descriptor and ends. */
export function writes(content: string, fd = 1, more: readonly number[] = []): Uint8Array<ArrayBuffer> {
  return program({
    imports: WRITE,
    data: [[1024, content]],
    body: [
      ...[...op.const(0), ...op.const(1024), ...op.store, ...op.const(4), ...op.const(content.length), ...op.store],
      ...[...op.const(fd), ...op.const(0), ...op.const(1), ...op.const(8), ...op.call(0), ...op.drop, ...more],
    ],
  })
}

/** Copies its input to its output, so many bytes at a time, until there is none; ends with what a write that fails answers. */
export function cat(room = 4096): Uint8Array<ArrayBuffer> {
  return program({
    imports: { fd_read: ['iiii', true], fd_write: ['iiii', true], proc_exit: ['i', false] },
    body: [
      ...[...op.const(0), ...op.const(1024), ...op.store],
      ...op.forever([
        ...[...op.const(4), ...op.const(room), ...op.store],
        ...[...op.const(0), ...op.const(0), ...op.const(1), ...op.const(4), ...op.call(0), ...op.drop],
        // Nothing more: exit 0.
        ...[...op.const(4), ...op.load, 0x45, 0x04, 0x40, ...op.const(0), ...op.call(2), 0x0b],
        // The answer of the write, where it is one: exit with that.
        ...[...op.const(1), ...op.const(0), ...op.const(1), ...op.const(8), ...op.call(1)],
        ...[0x22, 0x00, 0x04, 0x40, 0x20, 0x00, ...op.call(2), 0x0b],
      ]),
    ],
  })
}
