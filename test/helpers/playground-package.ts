// The built commands in a package of their own, beside a site of a few lines: what they serve is known then, whatever the
// playground looks like. And requests as they are sent, which no client makes better.
import fs from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startScript } from './command.js'
import { ROOT } from './paths.js'

export const SITE = '<!doctype html><title>site</title><script type="module" src="parts/page.js"></script>'

/** Makes it in a temporary directory that goes with this process. */
export function playgroundPackage(): string {
  const top = fs.mkdtempSync(join(tmpdir(), 'playground-'))
  process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
  const dir = join(top, 'package')
  fs.cpSync(join(ROOT, 'dist/bin'), join(dir, 'dist/bin'), { recursive: true })
  fs.mkdirSync(join(dir, 'dist/playground/parts'), { recursive: true })
  fs.writeFileSync(join(dir, 'dist/playground/index.html'), SITE)
  fs.writeFileSync(join(dir, 'dist/playground/parts/page.js'), 'document.title = "script ran"\n')
  return dir
}

export interface Started {
  /** The link that was printed. */
  readonly url: string
  /** All that was printed until then. */
  readonly said: string
  /** Ends it; gives its status. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** Runs a command of the package until it has printed its link. */
export async function startPrinting(
  dir: string,
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  const child = startScript(join(dir, 'dist/bin', `${name}.js`), args, env)
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  let [said, complaint] = ['', '']
  child.stderr?.on('data', chunk => {
    complaint += chunk
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', chunk => {
      said += chunk
      const found = /(http:\/\/\S+)\n$/.exec(said)
      if (found !== null) resolve(found[1])
    })
    child.once('close', () => reject(new Error(`${name} ended: ${said}${complaint}`)))
  })
  const end = (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    return ended
  }
  return { url, said, end }
}

export interface Got {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
}

export interface Asked {
  readonly headers?: Record<string, string>
  readonly method?: string
}

/** A request whose path is sent as it is. */
export function askAt(url: string, path: string, { headers = {}, method = 'GET' }: Asked = {}): Promise<Got> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, headers, method }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}
