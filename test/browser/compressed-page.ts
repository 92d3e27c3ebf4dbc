// In a page or a worker: opens compressed images every way that a browser has, and says what their files hash to.
import { loadDecoders, mount, mountSync, openImageSync } from '../../src/index.js'
import type { Mount } from '../../src/mount.js'

export interface CompressedImage {
  readonly name: string
  readonly url: string
  readonly devices: readonly string[]
}

export interface CompressedQuestion {
  readonly images: readonly CompressedImage[]
  /** Regular files, all of which each image has. */
  readonly paths: readonly string[]
  /** Can synchronous reads wait here, as in a worker? */
  readonly waits: boolean
  /** The image that is looked at before the decoders are loaded. */
  readonly early?: CompressedImage
}

/** Way → hash of all that was read so, for each image. */
export type CompressedAnswer = Readonly<Record<string, Readonly<Record<string, string>>>>

async function hashOf(contents: readonly Uint8Array[]): Promise<string> {
  const hashes = await Promise.all(contents.map(one => crypto.subtle.digest('SHA-256', new Uint8Array(one))))
  const bytes = new Uint8Array(await new Blob(hashes).arrayBuffer())
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

async function promised(m: Mount, paths: readonly string[]): Promise<string> {
  const contents = await Promise.all(paths.map(path => m.fs.promises.readFile(path)))
  m.unmount()
  return hashOf(contents)
}

function atOnce(m: Mount, paths: readonly string[]): Promise<string> {
  const contents = paths.map(path => m.fs.readFileSync(path))
  m.unmount()
  return hashOf(contents)
}

const fetched = async (url: string): Promise<Blob> => (await fetch(url)).blob()

async function waysOf({ url, devices }: CompressedImage, { paths, waits }: CompressedQuestion) {
  const image = await fetched(url)
  const blobs = await Promise.all(devices.map(fetched))
  const buffers = await Promise.all(blobs.map(one => one.arrayBuffer()))
  const bytes = new Uint8Array(await image.arrayBuffer())
  const given = <T>(all: readonly T[]) => (all.length > 0 ? { devices: all } : {})
  return {
    bytes: await promised(await mount(bytes, given(buffers)), paths),
    url: await promised(await mount(url, given(devices)), paths),
    blob: await promised(await mount(image, { ...given(blobs), lazy: true }), paths),
    'url, lazily': await promised(await mount(url, { ...given(devices), lazy: true }), paths),
    'at once': await atOnce(mountSync(bytes, given(buffers)), paths),
    ...(waits
      ? { 'url, lazily, at once': await atOnce(await mount(url, { ...given(devices), lazy: true }), paths) }
      : {}),
  }
}

function said(run: () => unknown): string {
  try {
    run()
    return 'nothing'
  } catch (error) {
    return (error as Error).message
  }
}

/** What is said before the decoders are loaded: when nothing is, and when only the small core is. */
async function early({ url }: CompressedImage): Promise<Record<string, string>> {
  const bytes = await (await fetched(url)).arrayBuffer()
  const first = said(() => openImageSync(bytes))
  // The wrong image, but for that the core has to be there.
  await mount(new Uint8Array(4096)).catch(() => {})
  const m = mountSync(bytes)
  const names = m.fs.readdirSync('/').join(' ')
  const read = said(() => m.fs.readFileSync('/text'))
  m.unmount()
  return { first, names, read }
}

export async function ask(question: CompressedQuestion): Promise<CompressedAnswer> {
  const answer: Record<string, Record<string, string>> = {}
  if (question.early !== undefined) answer['early'] = await early(question.early)
  await loadDecoders()
  for (const image of question.images) answer[image.name] = await waysOf(image, question)
  return answer
}

Object.assign(globalThis, { ask })
if (!('document' in globalThis)) {
  addEventListener('message', ({ data }) => {
    ask(data).then(
      answer => postMessage({ answer }),
      error => postMessage({ error: String(error?.stack ?? error) }),
    )
  })
}
