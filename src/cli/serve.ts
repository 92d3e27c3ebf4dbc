// composefs serve: a directory on a web server of one's own, for trying things out. Not here: how a request is answered
// (static-server.ts).

import { parseArguments } from './arguments.js'
import { failure, wrongUsage } from './failure.js'
import { LISTEN_OPTIONS, listeningAt, toldToEnd } from './serving.js'
import { writeAll } from './standard-output.js'

const HELP = 'composefs serve --help'
export const SERVE_HELP = `Usage: composefs serve DIR [--port N] [--host H]

Serves the files of a directory over HTTP until it is ended (Ctrl-C), and prints its URL: what \`composefs push\` has made, or
any directory with images and objects. For trying out, and on a machine of one's own: pages of any origin may read all that
is in DIR, save names that begin with a dot. Symlinks that lead out of DIR are not followed, directories are not listed.

  --port N   8080 unless given; 0 for any that is free
  --host H   address to listen at; 127.0.0.1 unless given
`

/** For pages of other origins, which need not be trusted with more than what is served; and for such as want to be isolated. */
const OPEN = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified',
  'cross-origin-resource-policy': 'cross-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'x-content-type-options': 'nosniff',
}

const PREFLIGHT = {
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers':
    'Authorization, Cache-Control, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range',
  'access-control-allow-private-network': 'true',
  'access-control-max-age': '86400',
}

export async function serve(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, LISTEN_OPTIONS, HELP)
  const [dir, ...more] = positionals
  if (dir === undefined || more.length > 0) throw wrongUsage('give one directory', HELP)
  const { port, host } = listeningAt(values, HELP)
  const [{ StaticServer }, { ServedDirectory }] = await Promise.all([
    import('./static-server.js'),
    import('./served-files.js'),
  ])
  let files: InstanceType<typeof ServedDirectory>
  try {
    files = new ServedDirectory(dir)
  } catch (error) {
    throw failure('serve', dir, error)
  }
  const places = [{ prefix: '/', files, typed: true }]
  const server = new StaticServer({ places, headers: OPEN, preflight: PREFLIGHT })
  const ended = toldToEnd()
  try {
    const url = await server.listen(port, host)
    writeAll(new TextEncoder().encode(`${url}\n`))
  } catch (error) {
    throw failure('serve', `${host}:${port}`, error)
  }
  await ended
  server.close()
  return 0
}
