// Ruby on a mount: it copies its library out of itself, an image is made of that, and what a program then reads of the image and does to
// files is what it is under Node's own WASI on a directory.
import host from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, type Mount, mount, runWasi, TreeBuilder } from '../../src/node.js'
import { skip } from '../helpers/paths.js'
import { guestModule, runUnderNode, script } from './npm-guests.js'

const ruby = suite('WASI: Ruby')
const program = guestModule('ruby')
const decode = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const argsOf = (name: string) => ['--disable-gems', '-e', script(name)]

async function onOurs(module: WebAssembly.Module, name: string, mounted: Mount): Promise<string> {
  const { exitCode, trap, stdout, stderr } = await runWasi(module, { mount: mounted, name: 'ruby', args: argsOf(name) })
  assert.equal([exitCode, decode(stderr)], [0, ''], trap?.message)
  return decode(stdout)
}

function onNodes(module: WebAssembly.Module, name: string, dir: string): string {
  const { exitCode, stdout, stderr } = runUnderNode(module, {
    preopens: { '/': dir },
    name: 'ruby',
    args: argsOf(name),
  })
  assert.equal([exitCode, stderr], [0, ''])
  return stdout
}

async function tour(module: WebAssembly.Module): Promise<void> {
  const dir = host.mkdtempSync(join(tmpdir(), 'composefs-wasi-ruby-'))
  try {
    const store = new MemoryStore()
    const empty = await buildImage(new TreeBuilder(), { store })
    const filled = await mount(empty.image, { store, writable: true })
    const copied = await onOurs(module, 'ruby-copies-its-library.rb', filled)
    assert.is(copied, onNodes(module, 'ruby-copies-its-library.rb', dir))
    assert.ok(Number(copied) > ENOUGH, copied)

    const { image } = await buildImage({ fs: filled.fs, path: '/' }, { store })
    const mounted = await mount(image, { store, writable: true })
    const said = await onOurs(module, 'ruby-tour.rb', mounted)
    assert.equal(said.split('\n'), onNodes(module, 'ruby-tour.rb', dir).split('\n'))
    const features = Number(/^(\d+) features from the image$/m.exec(said)?.[1])
    assert.ok(features > FEATURES, said)
    assert.equal(mounted.fs.readdirSync('/work').sort(), host.readdirSync(join(dir, 'work')).sort())
    console.log(
      `note: Ruby: ${copied.trim()} files and folders copied out, ${features} of them required from the image`,
    )
  } finally {
    host.rmSync(dir, { recursive: true, force: true })
  }
}

/** What its library has at least, and what of it the tour requires. */
const ENOUGH = 1000
const FEATURES = 50

if (program === undefined) skip(ruby, 'Ruby on an image', 'its program could not be fetched')
else ruby('its library in an image, and what it does with files', () => tour(program))

ruby.run()
