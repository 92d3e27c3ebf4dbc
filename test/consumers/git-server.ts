// A git server on loopback for the consumers' tests: bare repositories below a directory, served by git's own
// http-backend behind node:http (RFC 3875 on its inner side). And git itself, as a command that knows no configuration of
// the machine. Not here: any client.
import { execFile, spawn, spawnSync } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'

/** Everyone who commits here, and when. */
export const PERSON = { name: 'Ada Example', email: 'ada@example.org', timestamp: 1_700_000_000, timezoneOffset: 0 }

const date = `${PERSON.timestamp} +0000`
const ENV = {
  ...process.env,
  ...{ LC_ALL: 'C', HOME: '/nonexistent', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  ...{ GIT_AUTHOR_NAME: PERSON.name, GIT_AUTHOR_EMAIL: PERSON.email, GIT_AUTHOR_DATE: date },
  ...{ GIT_COMMITTER_NAME: PERSON.name, GIT_COMMITTER_EMAIL: PERSON.email, GIT_COMMITTER_DATE: date },
  ...{ GIT_CONFIG_COUNT: '2', GIT_TERMINAL_PROMPT: '0' },
  ...{ GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' },
  ...{ GIT_CONFIG_KEY_1: 'init.defaultBranch', GIT_CONFIG_VALUE_1: 'main' },
}

/** What git prints on stdout; rejects where it fails. Never synchronously, since its server may be in this process. */
export async function git(dir: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['-C', dir, ...args], { encoding: 'utf8', env: ENV })
  return stdout
}

/** Why there can be no server here, or undefined. */
export function lacking(): string | undefined {
  if (spawnSync('git', ['--version'], { stdio: 'ignore' }).status !== 0) return 'there is no git here'
  // Asked for nothing it answers an error of its own.
  const answer = spawnSync('git', ['http-backend'], { env: { ...ENV, REQUEST_METHOD: 'GET' }, encoding: 'latin1' })
  return answer.stdout.startsWith('Status:') ? undefined : 'there is no git http-backend here'
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

function variables(request: IncomingMessage, root: string, length: number): NodeJS.ProcessEnv {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const { headers } = request
  return {
    ...ENV,
    ...{ GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', REMOTE_USER: 'ada', REMOTE_ADDR: '127.0.0.1' },
    ...{ REQUEST_METHOD: request.method ?? 'GET', PATH_INFO: pathname, QUERY_STRING: searchParams.toString() },
    ...{ CONTENT_TYPE: headers['content-type'] ?? '', CONTENT_LENGTH: String(length) },
    HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
  }
}

/** Headers and body of what a CGI program has printed. */
function respond(printed: Buffer, response: ServerResponse): void {
  const end = printed.indexOf('\r\n\r\n')
  const lines = printed.subarray(0, end).toString('latin1').split('\r\n')
  for (const line of lines) {
    const [name, value] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
  response.end(printed.subarray(end + 4))
}

async function serve(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request)
  const child = spawn('git', ['http-backend'], {
    env: variables(request, root, body.length),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const printed: Buffer[] = []
  child.stdout.on('data', piece => printed.push(piece))
  child.on('close', () => respond(Buffer.concat(printed), response))
  child.stdin.on('error', () => {})
  child.stdin.end(body)
}

export interface GitServer {
  /** What stands before a repository's name. */
  readonly url: string
  close(): void
}

/** Serves the bare repositories in a directory, on a port of loopback that is free. */
export async function startGitServer(root: string): Promise<GitServer> {
  const server: Server = createServer((request, response) => {
    serve(root, request, response).catch(error => {
      response.statusCode = 500
      response.end(String(error))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  // Whoever forgets to close it still comes to an end.
  server.unref()
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${port}`, close }
}
