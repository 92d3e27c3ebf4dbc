// The `fs` surface on a host that has nothing of Node: no Buffer, no process, no built-in modules, as in a browser.
import { deepStrictEqual } from 'node:assert'
import { join } from 'node:path'
import vm from 'node:vm'
import esbuild from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { MountedFs } from '../../src/vfs/fs-types'
import { ROOT } from '../helpers/paths'

const HELLO = 'héllo'
const bytes = new TextEncoder().encode(HELLO)

/** A layer of one directory with one file. */
const layer = {
  root: { mode: 0o040755 },
  resolve: (path: string) => (path === '/' ? layer.root : { mode: 0o100644 }),
  statPath: (path: string, _follow: boolean, out: { mode: number; size: number }) => {
    out.mode = path === '/' ? 0o040755 : 0o100644
    out.size = bytes.length
  },
  stat: (node: { mode: number }, out: { mode: number }) => {
    out.mode = node.mode
  },
  readdir: () => ({ names: ['hello'], types: [8], raw: null }),
  namesAt: () => ['hello'],
  open: () => ({
    size: bytes.length,
    read: (into: Uint8Array, position: number) => {
      const piece = bytes.subarray(position, position + into.length)
      into.set(piece)
      return piece.length
    },
    readAll: () => Uint8Array.from(bytes),
    close: () => {},
  }),
}

const built = await esbuild.build({
  stdin: { contents: `export { createFs } from './src/vfs/mounted-fs.js'`, resolveDir: ROOT },
  bundle: true,
  format: 'iife',
  globalName: 'vfs',
  platform: 'browser',
  target: 'es2022',
  write: false,
  logLevel: 'silent',
  absWorkingDir: join(ROOT),
})
const globals = {
  TextDecoder,
  TextEncoder,
  Uint8Array,
  ArrayBuffer,
  queueMicrotask,
  setInterval,
  clearInterval,
  btoa,
  Blob,
  ReadableStream,
}
const context = vm.createContext({ ...globals })
vm.runInContext(built.outputFiles[0].text, context)
const { createFs } = vm.runInContext('vfs', context) as { createFs(layer: object, env: object): MountedFs }
const env = { uid: () => 0, gid: () => 0, umask: () => 0 }
const mounted = createFs(layer, env)

const host = suite('vfs: a host that is not Node')

host('reads files, as bytes and as text in every encoding', async () => {
  deepStrictEqual([...(mounted.readFileSync('/hello') as Uint8Array)], [...bytes])
  for (const encoding of ['utf8', 'hex', 'base64', 'base64url', 'latin1', 'ascii', 'utf16le'] as const) {
    assert.is(mounted.readFileSync('/hello', encoding), Buffer.from(bytes).toString(encoding), encoding)
  }
  assert.is(await mounted.promises.readFile('/hello', 'utf8'), HELLO)
  assert.is(await (await mounted.openAsBlob('/hello')).text(), HELLO)
})

host('lists, stats and calls back', async () => {
  assert.is(String(mounted.readdirSync('/')), 'hello')
  assert.ok(mounted.statSync('/hello').isFile())
  const size = await new Promise(resolve => mounted.stat('/hello', (_error, stats) => resolve(stats?.size)))
  assert.is(size, bytes.length)
})

host('says what it lacks, and takes it from the mount’s parts', () => {
  const codeOf = (run: () => unknown) => {
    try {
      run()
    } catch (error) {
      return (error as { code: string }).code
    }
    return undefined
  }
  assert.is(
    codeOf(() => mounted.createReadStream('/hello')),
    'ERR_METHOD_NOT_IMPLEMENTED',
  )
  assert.is(
    codeOf(() => mounted.globSync('*')),
    'ERR_METHOD_NOT_IMPLEMENTED',
  )
  assert.is(
    codeOf(() => mounted.statSync('a\0')),
    'ERR_INVALID_ARG_VALUE',
  )
  const given = createFs(layer, { ...env, parts: { glob: { globSync: () => ['found'] } } })
  deepStrictEqual(given.globSync('*'), ['found'])
})

host.run()
