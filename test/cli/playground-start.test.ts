// What npm start runs: the summary, then the playground with the image that it made, until it is told to end.
import fs from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command, type Ran, runPeer } from '../helpers/command.js'
import { askAt, playgroundPackage, SITE, startPrinting } from '../helpers/playground-package.js'

const start = suite('npm start')
const home = playgroundPackage()
fs.writeFileSync(join(home, 'package.json'), '{ "name": "small" }\n')
fs.mkdirSync(join(home, 'src'))
fs.writeFileSync(join(home, 'src/file.txt'), 'a file of more than sixty-four bytes, so that it becomes an object\n')
const cache = join(dirname(home), 'cache')
process.env['XDG_CACHE_HOME'] = cache
const run = (...args: string[]): Ran => runPeer(process.execPath, join(home, 'dist/bin/start.js'), ...args)

start('with --no-serve it ends behind the summary', () => {
  const { status, stdout, stderr } = run('--no-serve')
  assert.equal([status, stderr], [0, ''])
  const text = stdout.toString()
  for (const words of ['read, hash and store', '0 of them different', 'renamed /source', 'What to type next']) {
    assert.ok(text.includes(words), words)
  }
  assert.not.match(text, /http:/)
})

start('else it serves the image that it made, and prints the link last', async () => {
  const { url, said, end } = await startPrinting(home, 'start', ['--port', '0'])
  assert.ok(said.includes('What to type next'))
  assert.match(said, /Ctrl-C ends it\):\n {2}http:\S+\n$/)
  assert.is((await askAt(url, '/')).body.toString(), SITE)
  const params = new URL(url).searchParams
  const made = join(cache, 'composefs-wasm/checkout.cfs')
  const image = await askAt(url, new URL(params.get('image') ?? '', url).pathname)
  assert.ok(image.body.equals(fs.readFileSync(made)))
  assert.is(params.get('digest'), command('composefs-info', 'measure-file', made).stdout.toString().trim())
  const objects = command('composefs-info', 'objects', made).stdout.toString().trim().split('\n')
  assert.ok(objects.length > 1)
  for (const name of objects) {
    const object = await askAt(url, new URL(`${params.get('store')}/${name}`, url).pathname)
    assert.ok(object.body.equals(fs.readFileSync(join(cache, 'composefs-wasm/objects', name))), name)
  }
  assert.is(await end('SIGINT'), 0)
  const other = await startPrinting(home, 'start', [])
  assert.is(await other.end('SIGTERM'), 0)
})

start('wrong options are told before anything is done', () => {
  for (const args of [['--nothing'], ['operand'], ['--port', 'x'], ['--port'], ['--no-serve=1']]) {
    const { status, stdout, stderr } = run(...args)
    assert.equal([status, stdout.toString()], [2, ''], args.join(' '))
    assert.match(stderr, /^start: [^\n]+\n$/)
  }
})

start('what keeps it from serving is said behind the summary', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise<void>(resolve => taken.once('listening', resolve))
  const address = taken.address()
  const busy = run('--port', String(typeof address === 'object' ? address?.port : 0))
  assert.is(busy.status, 1)
  assert.match(busy.stderr, /^start: playground: 127\.0\.0\.1:\d+: .*in use.*\n$/)
  taken.close()
  fs.rmSync(join(home, 'dist/playground'), { recursive: true })
  const { status, stdout, stderr } = run()
  assert.is(status, 1)
  assert.match(stdout.toString(), /What to type next/)
  assert.match(stderr, /^start: playground: .*dist\/playground: the site is not there.*\n$/)
  assert.is(run('--no-serve').status, 0)
})

start.run()
