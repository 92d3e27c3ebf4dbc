// composefs serve: a directory on a web server of one's own, for trying things out. Not here: how a request is answered
// (static-server.ts).

import { parseArguments } from './arguments.js'
import { failure, wrongUsage } from './failure.js'
import { writeAll } from './standard-output.js'

const HELP = 'composefs serve --help'
export const SERVE_HELP = `Usage: composefs serve DIR [--port N] [--host H]

Serves the files of a directory over HTTP until it is ended (Ctrl-C), and prints its URL: what \`composefs push\` has made, or
any directory with images and objects. For trying out, and on a machine of one's own: pages of any origin may read all that
is in DIR, save names that begin with a dot. Symlinks that lead out of DIR are not followed, directories are not listed.

  --port N   8080 unless given; 0 for any that is free
  --host H   address to listen at; 127.0.0.1 unless given
`

const OPTIONS = { port: { type: 'string' }, host: { type: 'string' } } as const
const PORT = 8080

export async function serve(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, HELP)
  const [dir, ...more] = positionals
  if (dir === undefined || more.length > 0) throw wrongUsage('give one directory', HELP)
  const { port = String(PORT), host = '127.0.0.1' } = values
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) throw wrongUsage('--port is a number up to 65535', HELP)
  const { StaticServer } = await import('./static-server.js')
  let server: InstanceType<typeof StaticServer>
  try {
    server = new StaticServer(dir)
  } catch (error) {
    throw failure('serve', dir, error)
  }
  const ended = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  try {
    const url = await server.listen(Number(port), host)
    writeAll(new TextEncoder().encode(`${url}\n`))
  } catch (error) {
    throw failure('serve', `${host}:${port}`, error)
  }
  await ended
  server.close()
  return 0
}
