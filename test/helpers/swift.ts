// OpenStack Swift with its S3 front, all in one on loopback: two storage devices, each with servers of its own, and two
// replicas, so that one device can be taken away. Everything is in a folder that goes with it; the servers end when this
// process does, however it ends. Debian's packages (.ci/packages.mjs unpacks them) and python3 are needed.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixture, ROOT } from './paths.js'

const START_MS = 120_000
const KINDS = ['account', 'container', 'object'] as const
const DEVICES = [1, 2] as const
const USER = 'test:tester'
const PASSWORD = 'testing'
const REGION = 'us-east-1'

/** Runs a program until it ends, it is asked to, or standard input closes, as it does when the parent is no more. */
const WATCHED =
  'exec 3<&0; "$@" </dev/null 3<&- & p=$!; { read -r _ <&3; kill -9 $p; } 2>/dev/null & w=$!; wait $p; kill $w'
/** Removes a folder when standard input closes, after those who write into it have been ended. */
const JANITOR = 'read -r _; sleep 1; rm -rf "$1"'

export interface Swift {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Takes a device away: its servers are killed, its folder is moved. 1 or 2. */
  stopDevice(device: number): Promise<void>
  startDevice(device: number): Promise<void>
  stop(): Promise<void>
}

/** Ports that were free a moment ago; held together so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => new Promise(resolve => server.once('listening', resolve))))
  const ports = servers.map(server => (server.address() as { port: number }).port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}

function reaches(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}

/** A test may end without ending the child: closing its standard input does that. */
function leave(child: ChildProcess): void {
  child.unref()
  const { stdin } = child
  stdin?.on('error', () => {})
  if (stdin !== null && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
}

interface Program {
  readonly name: string
  readonly port: number
  readonly command: readonly string[]
}

class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'composefs-swift-'))
  readonly env: NodeJS.ProcessEnv
  readonly #running = new Map<string, ChildProcess>()
  readonly #janitor = spawn('sh', ['-c', JANITOR, 'sh', this.folder], { stdio: ['pipe', 'ignore', 'ignore'] })
  readonly #programs: Program[] = []
  readonly #python: string
  endpoint = ''

  constructor() {
    leave(this.#janitor)
    const root = join(ROOT, 'node_modules/.cache/swift')
    const libraries = ['usr/lib', 'lib'].flatMap(dir => {
      const path = join(root, dir)
      if (!existsSync(path)) return []
      return readdirSync(path).flatMap(name => (name.endsWith('-linux-gnu') ? [join(path, name)] : []))
    })
    this.env = {
      PATH: `${join(root, 'usr/bin')}:${process.env['PATH']}`,
      PYTHONPATH: join(root, 'usr/lib/python3/dist-packages'),
      LD_LIBRARY_PATH: libraries.join(':'),
      HOME: this.folder,
    }
    // Debian's, since that is what Debian's modules are for.
    this.#python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'
  }

  /** Writes configuration and rings. Answers why that can't be done. */
  async prepare(): Promise<string | undefined> {
    const [proxy, memcached, ...storage] = await freePorts(2 + KINDS.length * DEVICES.length)
    writeFileSync(
      join(this.folder, 'swift.conf'),
      '[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n[storage-policy:0]\nname = one\ndefault = yes\n',
    )
    const layout: Record<string, { port: number; device: string }[]> = { account: [], container: [], object: [] }
    for (const device of DEVICES) {
      mkdirSync(join(this.folder, `disk${device}`, `d${device}`), { recursive: true })
      for (const kind of KINDS) {
        const port = storage.pop() as number
        layout[kind].push({ port, device: `d${device}` })
        this.#add(`${kind}${device}`, kind, port, storageConf(this.folder, kind, device, port))
      }
    }
    const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
    this.#programs.push({
      name: 'memcached',
      port: memcached,
      command: ['memcached', '-l', '127.0.0.1', '-U', '0', '-m', '16', '-p', String(memcached), ...user],
    })
    this.#add('proxy', 'proxy', proxy, proxyConf(this.folder, proxy, memcached))
    this.endpoint = `http://127.0.0.1:${proxy}`
    const serve = fixture('swift/serve.py')
    const rings = spawnSync(this.#python, ['-B', serve, this.folder, 'rings', JSON.stringify(layout)], {
      env: this.env,
      encoding: 'utf8',
    })
    if (rings.status === 0) return undefined
    const why = rings.error?.message ?? rings.stderr.trim().split('\n').at(-1)
    return `no OpenStack Swift, or no user xattrs in ${tmpdir()} (${why})`
  }

  #add(name: string, kind: string, port: number, conf: string): void {
    const file = join(this.folder, `${name}.conf`)
    writeFileSync(file, conf)
    this.#programs.push({ name, port, command: [this.#python, fixture('swift/serve.py'), this.folder, kind, file] })
  }

  async start(match: (name: string) => boolean): Promise<void> {
    const wanted = this.#programs.filter(program => match(program.name))
    for (const { name, command } of wanted) {
      const log = join(this.folder, `${name}.log`)
      const child = spawn('sh', ['-c', `exec >>"$0" 2>&1; ${WATCHED}`, log, ...command], {
        cwd: this.folder,
        env: this.env,
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      leave(child)
      this.#running.set(name, child)
    }
    const until = Date.now() + START_MS
    for (const { name, port } of wanted) {
      while (!(await reaches(port))) {
        const ended = this.#running.get(name)?.exitCode !== null
        if (ended || Date.now() > until) throw new Error(`${name} does not answer: ${this.#log(name)}`)
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    }
  }

  async end(match: (name: string) => boolean): Promise<void> {
    const ended = [...this.#running].filter(([name]) => match(name))
    await Promise.all(
      ended.map(([name, child]) => {
        this.#running.delete(name)
        child.ref()
        const gone = child.exitCode === null ? new Promise(resolve => child.once('exit', resolve)) : undefined
        child.stdin?.end()
        return gone
      }),
    )
  }

  #log(name: string): string {
    const log = join(this.folder, `${name}.log`)
    return existsSync(log) ? readFileSync(log, 'utf8').slice(-1000) : 'no log'
  }

  async stop(): Promise<void> {
    await this.end(() => true)
    rmSync(this.folder, { recursive: true, force: true })
    this.#janitor.kill()
  }
}

function storageConf(folder: string, kind: string, device: number, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${folder}
devices = ${folder}/disk${device}
mount_check = false
fallocate_reserve = 0
log_level = ERROR
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`
}

// Errors of a device that was away are forgotten at once: tests take away one after the other.
function proxyConf(folder: string, port: number, memcached: number): string {
  const filters = ['catch_errors', 'proxy-logging', 'cache', 's3api', 'tempauth', 'slo', 'dlo']
  const settings: Record<string, string> = {
    cache: `memcache_servers = 127.0.0.1:${memcached}`,
    s3api: `location = ${REGION}\ns3_acl = no`,
    tempauth: `user_${USER.replace(':', '_')} = ${PASSWORD} .admin`,
  }
  const entry: Record<string, string> = { cache: 'memcache', 'proxy-logging': 'proxy_logging' }
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${folder}
log_level = ERROR
[pipeline:main]
pipeline = ${filters.join(' ')} proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
error_suppression_interval = 0
conn_timeout = 1
${filters.map(name => `[filter:${name}]\nuse = egg:swift#${entry[name] ?? name}\n${settings[name] ?? ''}`).join('\n')}
`
}

/** Starts a cluster; or answers why it can't. */
export async function startSwift(): Promise<Swift | string> {
  if (process.platform !== 'linux') return 'OpenStack Swift runs on Linux'
  const cluster = new Cluster()
  const why = await cluster.prepare()
  if (why !== undefined) {
    await cluster.stop()
    return why
  }
  try {
    await cluster.start(() => true)
  } catch (error) {
    await cluster.stop()
    throw error
  }
  const disk = (device: number) => join(cluster.folder, `disk${device}`)
  const ofDevice = (device: number) => (name: string) => KINDS.some(kind => name === `${kind}${device}`)
  return {
    endpoint: cluster.endpoint,
    region: REGION,
    accessKeyId: USER,
    secretAccessKey: PASSWORD,
    stopDevice: async device => {
      await cluster.end(ofDevice(device))
      renameSync(disk(device), `${disk(device)}.away`)
    },
    startDevice: async device => {
      renameSync(`${disk(device)}.away`, disk(device))
      await cluster.start(ofDevice(device))
    },
    stop: () => cluster.stop(),
  }
}
