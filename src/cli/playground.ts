// composefs playground: the browser playground, with an image of this machine open in it. Not here: what is served, and to whom
// (playground-server.ts).

import { parseArguments } from './arguments.js'
import { wrongUsage } from './failure.js'
import { LISTEN_OPTIONS, listeningAt, toldToEnd } from './serving.js'
import { writeAll } from './standard-output.js'

const HELP = 'composefs playground --help'
export const PLAYGROUND_HELP = `Usage: composefs playground [IMAGE] [--basedir STORE] [--port N] [--host H]

Serves a page in which images are looked at, and prints the URL that opens it with IMAGE in it; Ctrl-C ends it. All work is
done in the page. IMAGE is an image or a dump, STORE the directory of its objects; each may be an http(s) URL, which the page
reads itself. Nothing else of this machine is to be had there, and by no other site's pages.

  --basedir STORE  where the objects of IMAGE are
  --port N         8080 unless given, or any other if that is in use; 0 for any that is free
  --host H         address to listen at; 127.0.0.1 unless given. From another machine, without https, browsers leave out what
                   they give to secure pages only: storage, work offline
`

const OPTIONS = { ...LISTEN_OPTIONS, basedir: { type: 'string' } } as const

export async function playground(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, HELP)
  const [image, ...more] = positionals
  if (more.length > 0) throw wrongUsage('give one image', HELP)
  const listening = listeningAt(values, HELP)
  const { servePlayground } = await import('./playground-server.js')
  const ended = toldToEnd()
  const { url, close } = await servePlayground({ image, store: values.basedir, ...listening })
  writeAll(new TextEncoder().encode(`${url}\n`))
  await ended
  close()
  return 0
}
