// What read.test.ts asks of a page or a worker: all that a mount of an image shows, by calls at once, by promises and by
// the image's own listing. The package's entry for browsers, as it is. Not here: driving the browser.
import { MemoryStore, mount } from '../../src/index.js'
import { type TruthEntry, type TruthFs, walkTruth } from '../helpers/truth.js'
import { createHash } from './stand-ins/crypto.js'

export interface Reading {
  readonly image: string
  /** Names and URLs. */
  readonly objects: readonly (readonly [string, string])[]
}

export interface Read {
  readonly entries: readonly TruthEntry[]
  /** Entries of the image's own listing, and names in its batches. */
  readonly listed: number
  readonly batched: number
  /** SHA-256 of files by promises, and by callbacks; by their places among `entries`. */
  readonly promised: readonly string[]
  readonly called: readonly string[]
  /** Codes of what is refused. */
  readonly refused: readonly string[]
}

async function fetched(url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(url)).arrayBuffer())
}

const hashed = (bytes: Uint8Array) => String(createHash('sha256').update(bytes).digest('hex'))

function codeOf(call: () => unknown): string {
  try {
    call()
    return 'no error'
  } catch (error) {
    return String((error as { code?: string }).code ?? error)
  }
}

/** The path of an entry, from its text. */
function pathOf({ path }: TruthEntry): Buffer {
  return Buffer.from(
    path.replace(/\\x(..)/g, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}

async function ask({ image, objects }: Reading): Promise<Read> {
  const pairs = await Promise.all(objects.map(async ([name, url]) => [name, await fetched(url)] as const))
  const mounted = await mount(await fetched(image), { store: new MemoryStore(pairs) })
  const { fs } = mounted
  const entries = walkTruth(fs as unknown as TruthFs)
  const files = entries.filter(({ mode }) => mode.startsWith('100')).map(pathOf)
  const promised = await Promise.all(files.map(async path => hashed((await fs.promises.readFile(path)) as Uint8Array)))
  const called = files.map(
    path =>
      new Promise<string>((resolve, reject) =>
        fs.readFile(path, (error, data) => (error ? reject(error) : resolve(hashed(data as Uint8Array)))),
      ),
  )
  let batched = 0
  for (const batch of mounted.images[0].batches()) {
    for (let i = 0; i < batch.length; i++) if (!batch.startsDirectory(i)) batched++
  }
  const first = files[0] ?? Buffer.from('/')
  const read = {
    entries,
    listed: [...mounted.images[0].entries()].length,
    batched,
    promised,
    called: await Promise.all(called),
    refused: [
      codeOf(() => fs.writeFileSync('/new', '')),
      codeOf(() => fs.unlinkSync(first)),
      codeOf(() => fs.readFileSync('/')),
      codeOf(() => fs.readdirSync(first)),
      codeOf(() => fs.statSync('/no/such')),
      codeOf(() => fs.readlinkSync('/')),
      codeOf(() => fs.getxattrSync('/', 'user.none')),
      codeOf(() => fs.lstatSync(`/${'n'.repeat(256)}`)),
    ],
  }
  mounted.unmount()
  return read
}

/** What a host without Node has none of. */
const bare = ['Buffer', 'process', 'setImmediate', 'global'].filter(name => name in globalThis)

Object.assign(globalThis, { ask, bare })
if (typeof document === 'undefined') {
  globalThis.onmessage = ({ data }: MessageEvent<Reading>) =>
    ask(data).then(
      answer => postMessage({ answer }),
      (error: Error) => postMessage({ error: error.stack ?? String(error) }),
    )
  postMessage(bare)
}
