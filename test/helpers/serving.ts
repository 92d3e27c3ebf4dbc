// `composefs serve` in a process of its own, that ends when this one does, however it ends.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './paths.js'

export interface Serving {
  /** Without a slash at its end. */
  readonly url: string
  stop(): Promise<void>
}

/** Runs the rest of its arguments until standard input closes, as it does when the parent is no more. */
const WATCHED = 'exec 3<&0; "$@" <&- 3<&- & p=$!; read -r _ <&3; kill -9 $p; wait $p 2>/dev/null'

export async function startServing(dir: string, ...more: string[]): Promise<Serving> {
  const script = join(ROOT, 'dist/bin/composefs.js')
  const command = [process.execPath, script, 'serve', dir, '--port', '0', ...more]
  const child = spawn('sh', ['-c', WATCHED, 'sh', ...command], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.unref()
  const { stdin, stdout } = child
  stdin.on('error', () => {})
  for (const stream of [stdin, stdout]) if ('unref' in stream) (stream as unknown as { unref(): void }).unref()
  // Not `close`: its streams keep nothing alive, so that this process might end before they do.
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    stdout.on('data', chunk => {
      said += chunk
      const found = /^(http:\S+?)\/\n/.exec(said)
      if (found !== null) resolve(found[1])
    })
    child.once('close', () => reject(new Error(`composefs serve ended: ${said}`)))
    // Without anything that keeps this process, it would end before there is an answer.
    child.ref()
  })
  child.unref()
  return {
    url,
    stop: async () => {
      child.ref()
      stdin.end()
      await ended
    },
  }
}
