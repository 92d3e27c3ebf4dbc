// What a page, a worker and Node each do with the same image, answered in plain values that can be compared. Uses nothing
// but what all three have (fetch, WebCrypto, text codecs); the package is handed in, so that its source and its built
// form can both be asked. Not here: driving a browser (browser.test.ts).
import type nodeFs from 'node:fs'
import type * as composefs from '../../src/index.js'
import type { XattrApi } from '../../src/vfs/fs-types.js'
import { writes } from './writes.js'

/** The part of the package that is asked for; under Node it is the node entry's. */
export type Package = Pick<typeof composefs, 'mount' | 'openImage' | 'MemoryStore'>

export interface Question {
  /** URL of the image. */
  readonly image: string
  /** Its fs-verity digest in hex. */
  readonly digest: string
  /** URL before every object's name. */
  readonly objects: string
  readonly objectNames: readonly string[]
  /** A URL with nothing behind it. */
  readonly missing: string
  /** A path whose bytes are in an object of several blocks, and that object's name. */
  readonly external: string
  readonly object: string
  /** A path whose bytes are in the image itself. */
  readonly inline: string
}

/** What users of Node's types see, and the calls beyond it. */
type Fs = typeof nodeFs & XattrApi

function hex(data: Uint8Array): string {
  return Array.from(data, byte => byte.toString(16).padStart(2, '0')).join('')
}

async function sha256(data: Uint8Array): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(data))))
}

async function bytesOf(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

/** What a call threw, as its user sees it; a cause by the two digests it gives. */
async function failure(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return 'no error'
  } catch (error) {
    const { code, errno, syscall, path, message, cause } = error as Record<string, unknown>
    const { expected, actual } = (cause ?? {}) as Record<string, unknown>
    return { isError: error instanceof Error, code, errno, syscall, path, message, expected, actual }
  }
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]))
}

const SLASH = new Uint8Array([47])

async function entry(fs: Fs, path: Uint8Array): Promise<Record<string, unknown>> {
  const at = path as Buffer
  const stats = fs.lstatSync(at, { bigint: true })
  const xattrs = (fs.listxattrSync(path, { follow: false }) as string[]).map(name => [
    name,
    hex(fs.getxattrSync(path, name, { follow: false })),
  ])
  const shown = {
    mode: Number(stats.mode).toString(8),
    numbers: [stats.ino, stats.nlink, stats.uid, stats.gid, stats.rdev, stats.size, stats.blocks].map(String),
    times: [stats.mtimeNs, stats.ctimeNs, stats.mtimeMs].map(String),
    date: stats.mtime.toISOString(),
    xattrs,
  }
  if (stats.isSymbolicLink()) return { ...shown, target: hex(fs.readlinkSync(at, 'buffer') as Uint8Array) }
  if (!stats.isFile()) return shown
  const data = fs.readFileSync(at) as Uint8Array
  const promised = (await fs.promises.readFile(at)) as Uint8Array
  return { ...shown, sha256: await sha256(data), promised: await sha256(promised) }
}

/** Every entry of the tree, by its path in hex. */
async function tree(fs: Fs): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  const queue: Uint8Array[] = [new Uint8Array()]
  for (let dir = queue.pop(); dir !== undefined; dir = queue.pop()) {
    const at = dir.length === 0 ? SLASH : dir
    found[hex(at)] = await entry(fs, at)
    for (const name of fs.readdirSync(at as Buffer, { encoding: 'buffer' }) as Uint8Array[]) {
      const path = concat(dir, SLASH, name)
      if (fs.lstatSync(path as Buffer).isDirectory()) queue.push(path)
      else found[hex(path)] = await entry(fs, path)
    }
  }
  return found
}

/** The faces and forms of calls that differ from host to host. */
async function calls(fs: Fs, { external, inline }: Question): Promise<Record<string, unknown>> {
  const handle = await fs.promises.open(external)
  const piece = new Uint8Array(100)
  const { bytesRead } = await handle.read(piece, 0, 100, 4090)
  const closed = handle.close()
  const entries = fs.readdirSync('/awkward', { withFileTypes: true }).map(({ name }) => name)
  const opened: string[] = []
  for await (const dirent of await fs.promises.opendir('/project')) opened.push(String(dirent.name))
  const called = await new Promise(resolve => fs.readFile(inline, 'utf8', (_error, data) => resolve(data)))
  return {
    texts: ['utf8', 'hex', 'base64', 'base64url', 'latin1', 'ascii', 'utf16le'].map(encoding =>
      fs.readFileSync(inline, encoding as 'utf8'),
    ),
    called,
    read: [bytesRead, hex(piece)],
    closed: (await closed) === undefined,
    entries,
    opened: opened.sort(),
    names: await fs.promises.readdir('/awkward/names'),
    recursive: (fs.readdirSync('/awkward', { recursive: true }) as string[]).sort(),
    real: [fs.realpathSync('/manifest'), await fs.promises.realpath('/awkward/links/directory/er')],
    exists: [fs.existsSync(inline), fs.existsSync('/no')],
    parsed: JSON.parse(String(await fs.promises.readFile('/manifest', 'utf8'))).name,
    blob: await sha256(new Uint8Array(await (await fs.openAsBlob(external)).arrayBuffer())),
    statfs: String(fs.statfsSync('/').bsize),
    dates: (await fs.promises.stat(inline)).mtime.getTime(),
  }
}

async function webStream(fs: Fs, path: string): Promise<string> {
  const handle = await fs.promises.open(path)
  const chunks: Uint8Array[] = []
  const reader = (handle.readableWebStream() as ReadableStream<ArrayBuffer | Uint8Array>).getReader()
  for (let got = await reader.read(); !got.done; got = await reader.read()) chunks.push(new Uint8Array(got.value))
  await handle.close()
  return sha256(concat(...chunks))
}

async function errors(fs: Fs): Promise<Record<string, unknown>> {
  return {
    missing: await failure(() => fs.readFileSync('/no/such')),
    directory: await failure(() => fs.promises.readFile('/awkward')),
    loop: await failure(() => fs.statSync('/awkward/links/loop1')),
    notDirectory: await failure(() => fs.promises.readdir('/hello.txt')),
    readOnly: await failure(() => fs.writeFileSync('/new', 'x')),
    promisedReadOnly: await failure(() => fs.promises.unlink('/hello.txt')),
    noXattr: await failure(() => fs.getxattrSync('/hello.txt', 'user.no')),
    argument: ((await failure(() => fs.readFileSync(null as unknown as string))) as Record<string, unknown>)['code'],
    descriptor: await failure(() => fs.readSync(99, new Uint8Array(1))),
  }
}

/** Images, digests and stores that are not right. */
async function refusals(pkg: Package, question: Question, bytes: Uint8Array): Promise<Record<string, unknown>> {
  const { image, digest, missing, external, object, objects } = question
  const wrong = digest.replace(/^./, first => (first === '0' ? '1' : '0'))
  const original = await bytesOf(`${objects}${object}`)
  const altered = original.slice()
  altered[5000] ^= 1
  const read = (content: Uint8Array) => async () => {
    const m = await pkg.mount(bytes, { store: new pkg.MemoryStore([[object, content]]) })
    return m.fs.readFileSync(external)
  }
  return {
    wrongDigest: await failure(() => pkg.openImage(bytes, { digest: wrong })),
    wrongDigestOfUrl: ((await failure(() => pkg.mount(image, { digest: wrong }))) as { code: string }).code,
    malformedDigest: await failure(() => pkg.openImage(bytes, { digest: 'abc' })),
    noImage: ((await failure(() => pkg.openImage(missing))) as { code: string }).code,
    garbage: await failure(() => pkg.openImage(new Uint8Array(8192).fill(7))),
    truncated: await failure(() => pkg.openImage(bytes.slice(0, 1500))),
    noStore: await failure(async () => (await pkg.mount(bytes)).fs.readFileSync(external)),
    noObject: await failure(async () =>
      (await pkg.mount(bytes, { store: new pkg.MemoryStore() })).fs.promises.readFile(external),
    ),
    rightObject: await failure(read(original)),
    alteredObject: await failure(read(altered)),
    shortObject: await failure(read(original.slice(0, 5000))),
    writable: ((await failure(() => pkg.mount(bytes, { store: 7 as unknown as string }))) as { isError: boolean })
      .isError,
  }
}

/** All answers; nothing in them but JSON. */
export async function survey(pkg: Package, question: Question): Promise<Record<string, unknown>> {
  const bytes = await bytesOf(question.image)
  const objects = await Promise.all(
    question.objectNames.map(async name => [name, await bytesOf(question.objects + name)] as const),
  )
  const store = new pkg.MemoryStore(objects)
  const fromBytes = await pkg.mount(bytes, { store, digest: question.digest })
  const fromUrl = await pkg.mount(question.image, { store, digest: question.digest.toUpperCase() })
  const fromBlob = await pkg.openImage(new Blob([new Uint8Array(bytes)]))
  const fromBuffer = await pkg.openImage(new Uint8Array(bytes).buffer)
  const image = fromBytes.images[0]
  const bytesFs = fromBytes.fs as unknown as Fs
  const urlFs = fromUrl.fs as unknown as Fs
  const answers = {
    image: [image.format, image.version ?? null, image.byteLength, image.digest(), await sha256(image.bytes())],
    digests: [fromUrl.images[0].digest(), fromBlob.digest(), fromBuffer.digest()],
    tree: await tree(bytesFs),
    treeOfUrl: await tree(urlFs),
    calls: await calls(urlFs, question),
    stream: await webStream(bytesFs, question.external),
    errors: await errors(bytesFs),
    refusals: await refusals(pkg, question, bytes),
    writes: await writes(pkg, bytes, objects),
  }
  fromBytes.unmount()
  const unmounted = await failure(() => fromBytes.fs)
  return JSON.parse(JSON.stringify({ ...answers, unmounted }))
}
