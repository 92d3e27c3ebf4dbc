// What a page, a worker and Node each make of the same changes: the writable half of the survey (survey.ts). Times are set, so
// that nothing depends on when it is asked.
import type nodeFs from 'node:fs'
import type { XattrApi } from '../../src/vfs/fs-types.js'
import type { Package } from './survey.js'

type Fs = typeof nodeFs & XattrApi

const THEN = new Date('2021-03-04T05:06:07.890Z')

/** Changes of every kind, by each of the ways to call. */
async function change(fs: Fs): Promise<void> {
  fs.renameSync('/awkward/names', '/names')
  fs.mkdirSync('/made/deep', { recursive: true })
  await fs.promises.writeFile('/made/deep/file', 'written\n'.repeat(2000))
  const handle = await fs.promises.open('/made/handle', 'w+')
  await handle.write('by a handle')
  await handle.truncate(4)
  await handle.sync()
  await handle.close()
  await new Promise<void>((resolve, reject) =>
    fs.appendFile('/hello.txt', 'and more\n', error => (error ? reject(error) : resolve())),
  )
  fs.symlinkSync('deep/file', '/made/link')
  fs.linkSync('/made/deep/file', '/made/second')
  fs.chmodSync('/project', 0o700)
  fs.setxattrSync('/made', 'user.binary', Uint8Array.of(0, 255, 10))
  fs.rmSync('/awkward/links', { recursive: true })
  for (const path of [
    '/made/deep/file',
    '/made/handle',
    '/hello.txt',
    '/made/deep',
    '/made',
    '/names',
    '/awkward',
    '/',
  ]) {
    fs.utimesSync(path, THEN, THEN)
  }
  fs.lutimesSync('/made/link', THEN, THEN)
}

async function hashed(pieces: ReadableStream<Uint8Array>): Promise<string> {
  const data = await new Response(pieces as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer()
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', data))
  return `${data.byteLength} ${Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('')}`
}

/** What a writable mount says of itself after the changes. */
export async function writes(
  pkg: Package,
  bytes: Uint8Array,
  objects: readonly (readonly [string, Uint8Array])[],
): Promise<Record<string, unknown>> {
  const store = new pkg.MemoryStore(objects)
  const mounted = await pkg.mount(bytes, { store, writable: true, uid: 7, gid: 8, umask: 0o022 })
  const fs = mounted.fs as unknown as Fs
  const seen: string[] = []
  const watcher = fs.watch('/', (kind, name) => seen.push(`${kind} ${name}`))
  await change(fs)
  // Watchers are told in a turn of their own.
  await new Promise(resolve => setTimeout(resolve, 0))
  watcher.close()
  const committed = await mounted.commit()
  const again = await pkg.mount(bytes, { store, snapshot: mounted.snapshot() })
  const image = await pkg.mount(committed.image, { store, digest: committed.digest })
  const answers = {
    seen,
    changes: mounted.changes(),
    layer: await hashed(mounted.exportLayer()),
    digest: committed.digest,
    objects: [...committed.objects].sort(),
    restored: again.changes(),
    read: image.fs.readFileSync('/made/deep/file', 'utf8').length,
    appended: image.fs.readFileSync('/hello.txt', 'utf8'),
  }
  for (const one of [image, again, mounted]) one.unmount()
  return answers
}
