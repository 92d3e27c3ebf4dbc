// gzip, gunzip and zcat of the shell, by the browser's own streams: just-bash's need Node. To standard output, as in a pipe; files
// are left as they are. Not here: archives that are opened (gunzip.ts).

import type { CustomCommand } from 'just-bash/browser'
import { binaryText } from './shell-fs.js'

/** Bytes that a command may unpack. */
const UNPACKED_MAX = 64 << 20

type Command = Extract<CustomCommand, { execute: unknown }>
type Context = Parameters<Command['execute']>[1]
type Result = Awaited<ReturnType<Command['execute']>>

async function through(bytes: Uint8Array<ArrayBuffer>, stream: GenericTransformStream): Promise<string> {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader() as ReadableStreamDefaultReader<Uint8Array>
  let text = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += binaryText(read.value)
    if (text.length > UNPACKED_MAX) {
      await reader.cancel()
      throw new Error('unpacks to too much')
    }
  }
  return text
}

/** Bytes of a file, or those of the pipe. */
async function input(file: string | undefined, { fs, cwd, stdin }: Context): Promise<Uint8Array<ArrayBuffer>> {
  if (file !== undefined && file !== '-') return new Uint8Array(await fs.readFileBuffer(fs.resolvePath(cwd, file)))
  return Uint8Array.from(stdin as unknown as string, one => one.charCodeAt(0))
}

async function run(name: string, unpacks: boolean, args: readonly string[], context: Context): Promise<Result> {
  const options = args.filter(arg => arg.startsWith('-') && arg.length > 1)
  const files = args.filter(arg => !arg.startsWith('-') || arg === '-')
  const decompress = unpacks || options.some(option => /^-\w*d|^--decompress$/.test(option))
  const toOutput = name === 'zcat' || files.length === 0 || options.some(option => /^-\w*c|^--stdout$/.test(option))
  if (!toOutput) return { stdout: '', stderr: `${name}: give -c: files are not replaced here\n`, exitCode: 1 }
  let stdout = ''
  let stderr = ''
  for (const file of files.length === 0 ? [undefined] : files) {
    try {
      const stream = decompress ? new DecompressionStream('gzip') : new CompressionStream('gzip')
      stdout += await through(await input(file, context), stream)
    } catch (error) {
      stderr += `${name}: ${file ?? 'stdin'}: ${error instanceof Error ? error.message : String(error)}\n`
    }
  }
  return { stdout, stdoutKind: 'bytes', stderr, exitCode: stderr === '' ? 0 : 1 }
}

export const GZIP_COMMANDS: readonly Command[] = (['gzip', 'gunzip', 'zcat'] as const).map(name => ({
  name,
  execute: (args, context) => run(name, name !== 'gzip', args, context),
}))
