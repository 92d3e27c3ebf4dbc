// composefs serve: ranges, validators, what pages of other origins may do, and what is not to be had.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { get } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command, startCommand } from '../helpers/command.js'
import { skip } from '../helpers/paths.js'
import { askAt } from '../helpers/playground-package.js'
import { startServing } from '../helpers/serving.js'
import { noise } from '../helpers/store-hash.js'

const serve = suite('composefs serve')
const top = fs.mkdtempSync(join(tmpdir(), 'serve-command-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
const root = join(top, 'served')
fs.mkdirSync(join(root, 'below/deep'), { recursive: true })
const data = Buffer.from(noise(100_000))
fs.writeFileSync(join(root, 'file.bin'), data)
fs.writeFileSync(join(root, 'below/deep/a b%ü.txt'), 'text')
fs.writeFileSync(join(root, 'empty'), '')
fs.writeFileSync(join(root, 'below/index.html'), '<p>here')
fs.writeFileSync(join(root, '.hidden'), 'secret')
fs.mkdirSync(join(root, '.git'))
fs.writeFileSync(join(root, '.git/config'), 'secret')
fs.writeFileSync(join(top, 'outside'), 'secret')
fs.symlinkSync('../outside', join(root, 'out'))
fs.symlinkSync('..', join(root, 'up'))
fs.symlinkSync('/etc', join(root, 'etc'))
fs.symlinkSync('file.bin', join(root, 'link'))
fs.symlinkSync('loop', join(root, 'loop'))
const big = join(root, 'big')
const BIG = 5 * 2 ** 30
fs.writeFileSync(big, '')
fs.truncateSync(big, BIG)
fs.writeSync(fs.openSync(big, 'r+'), 'here', BIG - 1000)

const { url, stop } = await startServing(root)

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  askAt(url, path, { headers, method })

serve('files as they are, with length, type and validators', async () => {
  const whole = await ask('/file.bin')
  assert.is(whole.status, 200)
  assert.ok(whole.body.equals(data))
  assert.equal([whole.headers['content-length'], whole.headers['accept-ranges']], ['100000', 'bytes'])
  assert.match(String(whole.headers['etag']), /^"[0-9a-z-]+"$/)
  assert.is(whole.headers['content-type'], 'application/octet-stream')
  assert.is((await ask('/below/deep/a%20b%25%C3%BC.txt?query#f')).body.toString(), 'text')
  assert.is((await ask('/empty')).headers['content-length'], '0')
  assert.ok((await ask('/link')).body.equals(data))
  const index = await ask('/below/')
  assert.equal([index.body.toString(), index.headers['content-type']], ['<p>here', 'text/html; charset=utf-8'])
})

serve('HEAD says what GET would, without a body', async () => {
  const { headers } = await ask('/file.bin')
  const head = await ask('/file.bin', { range: 'bytes=0-9' }, 'HEAD')
  assert.equal([head.status, head.body.length], [200, 0])
  for (const name of ['content-length', 'etag', 'last-modified', 'content-type']) {
    assert.is(head.headers[name], headers[name], name)
  }
  assert.is((await ask('/none', {}, 'HEAD')).status, 404)
})

const RANGES: [string, number, number, number][] = [
  ['bytes=0-0', 206, 0, 1],
  ['bytes=10-19', 206, 10, 20],
  ['bytes=99999-', 206, 99_999, 100_000],
  ['bytes=5-999999999', 206, 5, 100_000],
  ['bytes=-7', 206, 99_993, 100_000],
  ['bytes=-999999', 206, 0, 100_000],
  ['bytes=100000-', 416, 0, 0],
  ['bytes=-0', 416, 0, 0],
  ['bytes=9-3', 200, 0, 100_000],
  ['bytes=0-1,5-6', 200, 0, 100_000],
  ['bytes=', 200, 0, 100_000],
  ['bytes=x-y', 200, 0, 100_000],
  ['lines=1-2', 200, 0, 100_000],
]
serve('single ranges; others are answered with the whole', async () => {
  for (const [range, status, from, to] of RANGES) {
    const got = await ask('/file.bin', { range })
    assert.is(got.status, status, range)
    if (status === 416) assert.is(got.headers['content-range'], 'bytes */100000', range)
    else assert.ok(got.body.equals(data.subarray(from, to)), range)
    if (status === 206) assert.is(got.headers['content-range'], `bytes ${from}-${to - 1}/100000`, range)
  }
  assert.is((await ask('/empty', { range: 'bytes=0-0' })).status, 416)
})

serve('If-Range, If-None-Match and If-Match hold for as long as the file does', async () => {
  const path = join(root, 'changing')
  fs.writeFileSync(path, 'first')
  const first = await ask('/changing')
  const etag = String(first.headers['etag'])
  const date = String(first.headers['last-modified'])
  const part = { range: 'bytes=0-1' }
  assert.is((await ask('/changing', { ...part, 'if-range': etag })).status, 206)
  assert.is((await ask('/changing', { ...part, 'if-range': date })).status, 206)
  assert.is((await ask('/changing', { ...part, 'if-range': `W/${etag}` })).status, 200)
  assert.is((await ask('/changing', { 'if-none-match': `"x", W/${etag}` })).status, 304)
  assert.is((await ask('/changing', { 'if-none-match': '*' })).status, 304)
  assert.is((await ask('/changing', { 'if-modified-since': date })).status, 304)
  assert.is((await ask('/changing', { 'if-match': etag })).status, 200)
  fs.writeFileSync(`${path}.new`, 'other')
  fs.renameSync(`${path}.new`, path)
  const changed = await ask('/changing', { ...part, 'if-range': etag })
  assert.equal([changed.status, changed.body.toString()], [200, 'other'])
  assert.is((await ask('/changing', { 'if-none-match': etag })).status, 200)
  assert.is((await ask('/changing', { 'if-match': etag })).status, 412)
})

serve('pages of any origin may read, and be isolated', async () => {
  for (const [path, status] of [
    ['/file.bin', 200],
    ['/none', 404],
  ] as const) {
    const { headers, ...got } = await ask(path, { origin: 'https://example.org' })
    assert.is(got.status, status)
    assert.is(headers['access-control-allow-origin'], '*')
    assert.match(String(headers['access-control-expose-headers']), /Content-Range.*ETag/)
    assert.is(headers['cross-origin-resource-policy'], 'cross-origin')
    assert.is(headers['cross-origin-opener-policy'], 'same-origin')
    assert.is(headers['cross-origin-embedder-policy'], 'require-corp')
  }
  const asked = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'range,if-range' }
  const preflight = await ask('/file.bin', { origin: 'https://example.org', ...asked }, 'OPTIONS')
  assert.is(preflight.status, 204)
  assert.match(String(preflight.headers['access-control-allow-headers']), /If-Range.*Range/)
  assert.match(String(preflight.headers['access-control-allow-methods']), /GET, HEAD/)
  for (const method of ['POST', 'PUT', 'DELETE']) assert.is((await ask('/file.bin', {}, method)).status, 405)
})

serve('nothing outside, nothing hidden, no lists', async () => {
  const paths = [
    ...['/..', '/../outside', '/below/../../outside', '/%2e%2e/outside', '/..%2foutside', '/below/..%2f..%2foutside'],
    ...['/out', '/up/outside', '/etc/passwd', '/loop', '//etc/passwd', '/\\..\\outside'],
    ...['/.hidden', '/.git/config', '/.%67it/config', '/below', '/', '/below/deep/', '/file.bin/', '/file.bin/x'],
    ...['/%00', '/file.bin%00.txt', '/%zz', `/${'x'.repeat(5000)}`, '/none', '/..%c0%afoutside', '/%2e%2e%5coutside'],
  ]
  for (const path of paths) {
    const { status, body } = await ask(path)
    assert.is(status, 404, path)
    assert.not.match(body.toString(), 'secret')
  }
  const absolute = await ask(`http://elsewhere/etc/passwd`)
  assert.is(absolute.status, 404)
  assert.is((await ask(`http://elsewhere/file.bin?x`)).status, 200)
})

serve('a symlink that is put on the way between two requests leads nowhere', async () => {
  fs.mkdirSync(join(root, 'swapped'))
  fs.writeFileSync(join(root, 'swapped/outside'), 'fine')
  assert.is((await ask('/swapped/outside')).body.toString(), 'fine')
  fs.rmSync(join(root, 'swapped'), { recursive: true })
  fs.symlinkSync('..', join(root, 'swapped'))
  assert.is((await ask('/swapped/outside')).status, 404)
})

serve('one connection serves many requests; a broken one does no harm', async () => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let answers = 0
  socket.setEncoding('latin1').on('data', (text: string) => {
    answers += text.split('HTTP/1.1 206').length - 1
  })
  for (let i = 0; i < 20; i++) socket.write(`GET /file.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=${i}-${i}\r\n\r\n`)
  while (answers < 20) await new Promise(resolve => setTimeout(resolve, 5))
  socket.destroy()
  // Who goes away in the middle of a large file.
  await new Promise<void>(resolve => {
    get(`${url}/big`, response => {
      response.once('data', () => {
        response.destroy()
        resolve()
      })
      response.on('error', () => {})
    })
  })
  assert.is((await ask('/file.bin')).status, 200)
})

serve('files of more than 4 GiB', async () => {
  const from = BIG - 1000
  const { status, headers, body } = await ask('/big', { range: `bytes=${from}-${from + 3}` })
  assert.equal([status, body.toString()], [206, 'here'])
  assert.is(headers['content-range'], `bytes ${from}-${from + 3}/${BIG}`)
  assert.is((await ask('/big', {}, 'HEAD')).headers['content-length'], String(BIG))
})

if (spawnSync('curl', ['--version']).status !== 0) skip(serve, 'curl', 'no curl')
else {
  serve('curl goes on with what it has begun', () => {
    const out = join(top, 'resumed')
    fs.writeFileSync(out, data.subarray(0, 40_000))
    const { status, stderr } = spawnSync('curl', ['-sS', '-C', '-', '-o', out, `${url}/file.bin`], { encoding: 'utf8' })
    assert.is(status, 0, stderr)
    assert.ok(fs.readFileSync(out).equals(data))
  })
}

serve('it ends when it is told to, and says so when it can not begin', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = startCommand('composefs', ['serve', root, '--port', '0'])
    const ended = new Promise(resolve => child.once('close', resolve))
    const said = await new Promise<string>(resolve => child.stdout?.once('data', chunk => resolve(String(chunk))))
    assert.match(said, /^http:\/\/127\.0\.0\.1:\d+\/\n$/)
    // Though someone is connected.
    const { hostname, port } = new URL(said)
    const socket = connect(Number(port), hostname).on('error', () => {})
    await new Promise(resolve => socket.once('connect', resolve))
    child.kill(signal)
    assert.is(await ended, 0)
    socket.destroy()
  }
  const fails = (args: string[], words: RegExp, status: number) => {
    const run = command('composefs', 'serve', ...args)
    assert.equal([run.status, run.stdout.toString()], [status, ''], run.stderr)
    assert.match(run.stderr, words)
    assert.is(run.stderr.trimEnd().split('\n').length, 1)
  }
  fails([], /give one directory/, 2)
  fails([root, '--port', 'x'], /--port/, 2)
  fails([join(root, 'none')], /serve: .*none: no such file/, 1)
  fails([join(root, 'file.bin')], /not a directory/, 1)
  fails([root, '--port', new URL(url).port], /serve: 127\.0\.0\.1:\d+: .*in use|EADDRINUSE/, 1)
})

serve('the end', async () => {
  await stop()
})

serve.run()
