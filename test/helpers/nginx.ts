// nginx on loopback that serves a directory, so that requests and bytes can be counted by someone else: from its own log.
// Its folder is a temporary one; it ends when this process does, however it ends. Debian's package nginx-light is needed,
// installed or unpacked by .ci/packages.mjs.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peer } from './command.js'
import { ROOT } from './paths.js'
import { type Link, slowLink } from './slow-link.js'

const START_MS = 10_000
const LOG_MS = 5000
/** Debian's names of what Node calls an architecture. */
const MACHINES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }

/** Runs the rest of its arguments until standard input closes, as it does when the parent is no more; then removes $0. */
const WATCHED = '"$@" & p=$!; read -r _; kill -9 $p; wait $p 2>/dev/null; rm -rf "$0"'

/** One request as nginx has logged it, after it had been answered. */
export interface LogEntry {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly status: number
  /** Sent in all, and in the body. */
  readonly bytes: number
  readonly bodyBytes: number
  /** Range and If-Range of the request, or empty. */
  readonly range: string
  readonly ifRange: string
  readonly authorization: string
  /** Number of the connection that it came by. */
  readonly connection: number
  readonly id: string
}

export interface NginxOptions {
  /** The directory that is served. */
  readonly root: string
  /** Milliseconds that a round trip takes longer; a new connection takes one as well. */
  readonly latency?: number
  /** More for its `server` block. */
  readonly more?: string
}

export interface Nginx {
  /** Without a slash at its end. */
  readonly url: string
  /** What has been asked since the last call, without what this function itself asks. */
  log(): Promise<LogEntry[]>
  stop(): Promise<void>
}

const FORMAT = `escape=json '{"method":"$request_method","path":"$request_uri","status":$status,"bytes":$bytes_sent,'
    '"bodyBytes":$body_bytes_sent,"range":"$http_range","ifRange":"$http_if_range",'
    '"authorization":"$http_authorization","connection":$connection,"id":"$request_id"}'`

function configuration(folder: string, port: number, { root, more = '' }: NginxOptions): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(name => `  ${name}_temp_path ${folder}/${name};`)
    .join('\n')
  return `
daemon off;
# One process, so that whoever ends it ends it all.
master_process off;
pid ${folder}/pid;
error_log ${folder}/error.log warn;
events { worker_connections 512; }
http {
${temporary}
  log_format entry ${FORMAT};
  access_log ${folder}/access.log entry;
  default_type application/octet-stream;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 75s;
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${port};
    root ${JSON.stringify(root)};
    add_header Access-Control-Allow-Origin * always;
    types { text/html html; text/javascript js; }
    add_header Access-Control-Allow-Methods "GET, HEAD, OPTIONS" always;
    add_header Access-Control-Allow-Headers "Range, If-Range, Authorization" always;
    add_header Access-Control-Expose-Headers "Content-Range, ETag, Accept-Ranges" always;
    add_header Cross-Origin-Resource-Policy cross-origin always;
    if ($request_method = OPTIONS) { return 204; }
    ${more}
  }
}
`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

const UNPACKED = join(ROOT, 'node_modules/.cache/nginx')

/** The program, or undefined where there is none. */
function program(): string | undefined {
  const places = [join(UNPACKED, 'usr/sbin/nginx'), '/usr/sbin/nginx']
  return peer('NGINX', 'nginx') ?? places.find(path => existsSync(path))
}

/** What a test says that has no nginx. */
export const NO_NGINX = 'no nginx (Debian package nginx-light)'

/** Starts nginx; undefined where there is none. Throws when there is one that does not start. */
export async function startNginx(options: NginxOptions): Promise<Nginx | undefined> {
  const nginx = program()
  if (nginx === undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'composefs-nginx-'))
  const port = await freePort()
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, options))
  const command = [nginx, '-e', `${folder}/error.log`, '-p', folder, '-c', `${folder}/nginx.conf`]
  const child = spawn('sh', ['-c', WATCHED, folder, ...command], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, LD_LIBRARY_PATH: join(UNPACKED, 'usr/lib', `${MACHINES[process.arch]}-linux-gnu`) },
  })
  leave(child)
  const direct = `http://127.0.0.1:${port}`
  await reached(direct, folder)
  const link = options.latency === undefined ? undefined : await slowLink(port, options.latency)
  return new Running(folder, direct, child, link)
}

/** A test may end without ending the child: closing its standard input does that. */
function leave(child: ChildProcess): void {
  child.unref()
  const { stdin } = child
  stdin?.on('error', () => {})
  if (stdin !== null && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
}

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function reached(url: string, folder: string): Promise<void> {
  for (const end = Date.now() + START_MS; ; await sleep(20)) {
    try {
      await (await fetch(`${url}/.mark`)).arrayBuffer()
      return
    } catch (error) {
      if (Date.now() < end) continue
      const log = join(folder, 'error.log')
      throw new Error(`nginx does not start: ${existsSync(log) ? readFileSync(log, 'utf8') : ''}`, { cause: error })
    }
  }
}

class Running implements Nginx {
  readonly url: string
  readonly #direct: string
  readonly #log: string
  readonly #child: ChildProcess
  readonly #link: Link | undefined
  #seen = 0
  #marks = 0

  constructor(folder: string, direct: string, child: ChildProcess, link: Link | undefined) {
    this.url = link === undefined ? direct : `http://127.0.0.1:${link.port}`
    this.#direct = direct
    this.#log = join(folder, 'access.log')
    this.#child = child
    this.#link = link
  }

  async log(): Promise<LogEntry[]> {
    // An answer is logged after it was sent, so that the client may be ahead: all before this one is there when it is.
    const mark = `/.mark?${++this.#marks}`
    // By a connection of its own: one that was kept may be closed by the server at that moment.
    await (await fetch(this.#direct + mark, { headers: { connection: 'close' } })).arrayBuffer()
    for (const end = Date.now() + LOG_MS; ; await sleep(5)) {
      const lines = readFileSync(this.#log, 'utf8').split('\n').slice(0, -1)
      const entries = lines.slice(this.#seen).map(line => JSON.parse(line) as LogEntry)
      const at = entries.findIndex(entry => entry.path === mark)
      if (at !== -1) {
        this.#seen += at + 1
        return entries.slice(0, at).filter(entry => !entry.path.startsWith('/.mark'))
      }
      if (Date.now() > end) throw new Error('nginx logs nothing')
    }
  }

  async stop(): Promise<void> {
    this.#link?.close()
    // Not `close`: its stdin keeps nothing alive, so that this process might end before that does.
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.ref()
    this.#child.stdin?.end()
    await ended
  }
}
