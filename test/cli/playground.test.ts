// composefs playground: the site with an image and a store of this machine beside it, and nothing else, for nobody else.
import fs from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command, type Ran, runPeer } from '../helpers/command.js'
import { type Asked, askAt, playgroundPackage, SITE, startPrinting } from '../helpers/playground-package.js'
import { noise } from '../helpers/store-hash.js'

const playground = suite('composefs playground')
const home = playgroundPackage()
const top = dirname(home)
const script = join(home, 'dist/bin/composefs.js')
const run = (...args: string[]): Ran => runPeer(process.execPath, script, 'playground', ...args)

// An image and its store, as they are built.
fs.mkdirSync(join(top, 'tree/folder'), { recursive: true })
fs.writeFileSync(join(top, 'tree/folder/large'), noise(300_000))
fs.writeFileSync(join(top, 'tree/note'), 'a note of more than sixty-four bytes, so that it becomes an object')
const image = join(top, 'a b%&#+é.cfs')
const store = join(top, 'store')
assert.is(command('composefs', 'build', join(top, 'tree'), image, '--digest-store', store).status, 0)
const digest = command('composefs-info', 'measure-file', image).stdout.toString().trim()
const objects = command('composefs-info', 'objects', image).stdout.toString().trim().split('\n')
fs.writeFileSync(`${image}.verity`, 'tree of the image')
fs.writeFileSync(join(top, 'secret'), 'secret')
fs.writeFileSync(join(store, 'secret'), 'secret')
fs.writeFileSync(join(store, `${objects[0]}.verity`), 'tree of an object')
fs.mkdirSync(join(store, 'ab/deeper'), { recursive: true })
fs.mkdirSync(join(store, 'folder'))
for (const path of ['ab/.hidden', 'ab/deeper/file', 'folder/file']) fs.writeFileSync(join(store, path), 'secret')
fs.symlinkSync(join(top, 'secret'), join(store, 'ab/outside'))
fs.symlinkSync(objects[0].replace(/^../, '../$&'), join(store, 'ab/inside'))
const BIG = 5 * 2 ** 30
fs.writeFileSync(join(store, 'ab/big'), '')
fs.truncateSync(join(store, 'ab/big'), BIG)
fs.writeSync(fs.openSync(join(store, 'ab/big'), 'r+'), 'here', BIG - 1000)

const { url, said, end } = await startPrinting(home, 'composefs', [
  'playground',
  image,
  ...['--basedir', store, '--port', '0'],
])
const port = new URL(url).port
const ask = (path: string, asked?: Asked) => askAt(url, path, asked)
const query = new URL(url).searchParams
const imagePath = new URL(query.get('image') ?? '', url).pathname

/** What comes back when this is sent. */
function answerTo(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1').on('data', chunk => {
      answer += chunk
    })
    socket.once('close', () => resolve(answer)).once('error', reject)
    socket.write(text)
  })
}

playground('prints one link, and what it names is there', async () => {
  assert.is(said, `${url}\n`)
  assert.match(
    url,
    /^http:\/\/127\.0\.0\.1:\d+\/\?image=local\/image\/[^&\s]+&store=local\/objects&digest=[0-9a-f]{64}$/,
  )
  assert.is(query.get('digest'), digest)
  const site = await ask('/')
  assert.equal([site.body.toString(), site.headers['content-type']], [SITE, 'text/html; charset=utf-8'])
  assert.match(String((await ask('/parts/page.js')).headers['content-type']), /^text\/javascript/)
  assert.ok((await ask(imagePath)).body.equals(fs.readFileSync(image)))
  assert.is((await ask(`${imagePath}.verity`)).body.toString(), 'tree of the image')
  assert.ok(objects.length >= 2)
  for (const name of objects) {
    const at = new URL(`${query.get('store')}/${name}`, url).pathname
    assert.ok((await ask(at)).body.equals(fs.readFileSync(join(store, name))), name)
  }
  assert.is((await ask(`/local/objects/${objects[0]}.verity`)).body.toString(), 'tree of an object')
  assert.ok((await ask('/local/objects/ab/inside')).body.equals(fs.readFileSync(join(store, objects[0]))))
})

playground('ranges, HEAD and validators, for image and objects alike', async () => {
  const data = fs.readFileSync(image)
  const part = await ask(imagePath, { headers: { range: 'bytes=1024-1151' } })
  assert.equal([part.status, part.headers['content-range']], [206, `bytes 1024-1151/${data.length}`])
  assert.ok(part.body.equals(data.subarray(1024, 1152)))
  const head = await ask(imagePath, { method: 'HEAD' })
  assert.equal([head.status, head.body.length, head.headers['content-length']], [200, 0, String(data.length)])
  assert.equal([head.headers['accept-ranges'], head.headers['cache-control']], ['bytes', 'no-cache'])
  const etag = String(part.headers['etag'])
  assert.is(head.headers['etag'], etag)
  assert.is((await ask(imagePath, { headers: { 'if-none-match': etag } })).status, 304)
  assert.is((await ask(imagePath, { headers: { 'if-match': '"other"' } })).status, 412)
  assert.is((await ask(imagePath, { headers: { range: `bytes=${data.length}-` } })).status, 416)
  const from = BIG - 1000
  const far = await ask('/local/objects/ab/big', { headers: { range: `bytes=${from}-${from + 3}` } })
  assert.equal([far.status, far.body.toString()], [206, 'here'])
  assert.is(far.headers['content-range'], `bytes ${from}-${from + 3}/${BIG}`)
})

playground('nothing else of the machine', async () => {
  const real = `/local/objects/${objects[0]}`
  const paths = [
    ...['/local/', '/local/image/', '/local/image', '/local/objects/', '/local/objects', '/local/objects/ab/'],
    ...['/local/image/secret', '/local/image/../secret', '/local/image/..%2fsecret', '/local/image/%2e%2e/secret'],
    ...[
      `${imagePath}/`,
      `${imagePath}/..`,
      `${imagePath}.verity.verity`,
      `${imagePath}%00`,
      `/local/image/${imagePath}`,
    ],
    ...[
      '/local/objects/secret',
      '/local/objects/../secret',
      '/local/objects/ab/../secret',
      '/local/objects/ab%2f..%2fsecret',
    ],
    ...[
      '/local/objects/ab/outside',
      '/local/objects/ab/.hidden',
      '/local/objects/ab/deeper/file',
      '/local/objects/ab/deeper',
    ],
    ...[
      '/local/objects/folder/file',
      '/local/objects//ab/outside',
      '/local/objects/AB/big',
      `/local/objects//${objects[0]}`,
    ],
    ...[
      `${real}/`,
      `${real}/x`,
      `${real}%00`,
      '/local/objects/ab/..%5c..%5csecret',
      `/local/objects/ab/${'x'.repeat(5000)}`,
    ],
    ...[
      '/../../secret',
      '/..%2f..%2fsecret',
      '/.%2e/bin/composefs.js',
      '/bin/composefs.js',
      '//etc/passwd',
      '/etc/passwd',
    ],
    ...['/local/..%2f..%2fsecret', '/%zz', '/parts', '/parts/'],
  ]
  for (const path of paths) {
    const { status, body } = await ask(path)
    assert.is(status, 404, path)
    assert.not.match(body.toString(), 'secret')
  }
})

playground('only those who mean this server are answered, by whatever name they found it', async () => {
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
    assert.is((await ask(imagePath, { headers: { host } })).status, 200, host)
  }
  const others = ['evil.example', `evil.example:${port}`, '127.0.0.1', 'localhost', `localhost:${Number(port) + 1}`]
  others.push(
    `localhost.:${port}`,
    `127.0.0.1.nip.example:${port}`,
    `localhost:${port}@evil.example`,
    `0.0.0.0:${port}`,
  )
  for (const host of others) {
    for (const path of ['/', imagePath, `/local/objects/${objects[0]}`, '/none']) {
      const { status, body } = await ask(path, { headers: { host } })
      assert.equal([status, body.toString()], [421, '421\n'], `${host} ${path}`)
    }
    assert.is((await ask(imagePath, { headers: { host }, method: 'HEAD' })).status, 421, host)
  }
  // The absolute form counts, too.
  assert.is((await ask(`http://evil.example${imagePath}`)).status, 421)
  assert.is((await ask(`http://localhost:${port}${imagePath}`)).status, 200)
  for (const start of ['HTTP/1.0', 'HTTP/1.0\r\nHost:', 'HTTP/1.1\r\nHost:', 'HTTP/1.1\r\nHost: evil.example']) {
    assert.match(await answerTo(`GET ${imagePath} ${start}\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 421 /, start)
  }
})

playground('pages of other origins read nothing; the site is isolated from them', async () => {
  const origin = { origin: 'https://example.org' }
  for (const path of ['/', imagePath, `/local/objects/${objects[0]}`, '/none']) {
    const { headers } = await ask(path, { headers: origin })
    const names = Object.keys(headers).filter(name => name.startsWith('access-control-'))
    assert.equal(names, [], path)
    assert.is(headers['cross-origin-resource-policy'], 'same-origin')
    assert.is(headers['cross-origin-opener-policy'], 'same-origin')
    assert.is(headers['cross-origin-embedder-policy'], 'require-corp')
    assert.is(headers['x-content-type-options'], 'nosniff')
    assert.is(headers['referrer-policy'], 'no-referrer')
    assert.match(String(headers['content-security-policy']), `frame-ancestors 'none'`)
  }
  for (const method of ['OPTIONS', 'POST', 'PUT', 'DELETE']) {
    const { status, headers } = await ask(imagePath, { method, headers: origin })
    assert.equal([status, headers['access-control-allow-origin']], [405, undefined], method)
    assert.is(headers['allow'], 'GET, HEAD')
  }
})

playground('files of the machine are no pages, whatever they are called', async () => {
  for (const name of [
    'page.html',
    'drawing.svg',
    '.hidden.js',
    `it's "q\\u" <b>.html`,
    'ünï\u202e.cfs',
    '?#',
    '__proto__',
  ]) {
    const path = join(top, name)
    fs.writeFileSync(path, '<script>1</script>')
    const one = await startPrinting(home, 'composefs', ['playground', path, '--port', '0'])
    const at = new URL(new URL(one.url).searchParams.get('image') ?? '', one.url).pathname
    const { status, headers, body } = await askAt(one.url, at)
    assert.equal([status, body.toString()], [200, '<script>1</script>'], name)
    assert.is(headers['content-type'], 'application/octet-stream')
    assert.match(String(headers['content-security-policy']), /default-src 'none'; sandbox/)
    assert.is((await askAt(one.url, `/local/objects/${objects[0]}`)).status, 404)
    assert.is(await one.end(), 0)
  }
})

playground('a symlink in place of the image leads nowhere; one that was named is followed', async () => {
  const [path, link] = [join(top, 'own.cfs'), join(top, 'link.cfs')]
  fs.copyFileSync(image, path)
  fs.symlinkSync('own.cfs', link)
  fs.symlinkSync('secret', `${path}.verity`)
  const one = await startPrinting(home, 'composefs', ['playground', link, '--port', '0'])
  assert.is(new URL(one.url).searchParams.get('image'), 'local/image/link.cfs')
  const first = await askAt(one.url, '/local/image/link.cfs')
  assert.ok(first.body.equals(fs.readFileSync(image)))
  assert.is((await askAt(one.url, '/local/image/link.cfs.verity')).status, 404)
  assert.is((await askAt(one.url, '/local/image/own.cfs')).status, 404)
  fs.rmSync(path)
  fs.symlinkSync('secret', path)
  assert.is((await askAt(one.url, '/local/image/link.cfs')).status, 404)
  fs.rmSync(path)
  fs.writeFileSync(path, 'another file')
  const changed = await askAt(one.url, '/local/image/link.cfs')
  assert.is(changed.body.toString(), 'another file')
  assert.is.not(changed.headers['etag'], first.headers['etag'])
  await one.end()
})

playground('URLs go into the link as they are; a dump has no digest; nothing at all is the site alone', async () => {
  const elsewhere = 'https://example.org/a b/é.cfs?x=1&y=%20#part'
  const one = await startPrinting(home, 'composefs', [
    'playground',
    elsewhere,
    '--basedir',
    'http://h/objects/',
    '--port=0',
  ])
  const params = new URL(one.url).searchParams
  assert.equal([params.get('image'), params.get('store')], [elsewhere, 'http://h/objects/'])
  assert.not.ok(params.has('digest'))
  assert.is((await askAt(one.url, '/local/image/x.cfs')).status, 404)
  await one.end()
  const dump = join(top, 'tree.dump')
  fs.writeFileSync(dump, command('composefs-info', 'dump', image).stdout)
  const two = await startPrinting(home, 'composefs', ['playground', dump, '--port', '0'])
  assert.match(two.url, /\/\?image=local\/image\/tree\.dump$/)
  await two.end()
  const three = await startPrinting(home, 'composefs', ['playground', '--port', '0'])
  assert.match(three.url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  assert.is((await askAt(three.url, '/')).body.toString(), SITE)
  await three.end()
})

playground('at other addresses it has their names as well', async () => {
  const all = await startPrinting(home, 'composefs', ['playground', '--port', '0', '--host', '0.0.0.0'])
  assert.match(all.url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  const at = new URL(all.url).port
  assert.is((await askAt(all.url, '/', { headers: { host: `0.0.0.0:${at}` } })).status, 200)
  assert.is((await askAt(all.url, '/', { headers: { host: `evil.example:${at}` } })).status, 421)
  await all.end()
  const named = await startPrinting(home, 'composefs', ['playground', '--port', '0', '--host', 'localhost'])
  assert.is((await askAt(named.url, '/')).status, 200)
  await named.end()
})

playground('a port that was named is taken or an error; any other is a wish', async () => {
  const other = createServer().listen(8080, '127.0.0.1')
  // Someone else may have it already, which does as well.
  await new Promise<void>(resolve => other.once('listening', resolve).once('error', () => resolve()))
  const one = await startPrinting(home, 'composefs', ['playground'])
  assert.is.not(new URL(one.url).port, '8080')
  assert.is((await askAt(one.url, '/')).status, 200)
  await one.end()
  other.close()
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise<void>(resolve => taken.once('listening', resolve))
  const busy = String((taken.address() as AddressInfo).port)
  const { status, stderr } = run('--port', busy)
  assert.is(status, 1)
  assert.match(stderr, /^composefs: playground: 127\.0\.0\.1:\d+: .*in use.*\n$/)
  taken.close()
})

playground('what can not be is said in one line', () => {
  const fails = (args: string[], words: RegExp, status: number) => {
    const ran = run(...args)
    assert.equal([ran.status, ran.stdout.toString()], [status, ''], ran.stderr)
    assert.match(ran.stderr, words)
    assert.is(ran.stderr.trimEnd().split('\n').length, 1)
  }
  fails([join(top, 'none')], /^composefs: playground: .*none: no such file/, 1)
  fails([join(top, 'tree')], /tree: a directory; make an image of it with 'composefs build' first/, 1)
  fails(['/dev/null'], /not a regular file/, 1)
  fails([image, '--basedir', join(top, 'none')], /playground: .*none: no such file/, 1)
  fails([image, '--basedir', image], /playground: .*: not a directory/, 1)
  fails([image, '--basedir', 's3://bucket/objects'], /playground: s3:\/\/bucket\/objects: .*http/, 1)
  fails(['ftp://host/x.cfs'], /http and https/, 1)
  fails([image, 'more'], /give one image/, 2)
  fails(['--port', '99999'], /--port/, 2)
  fails(['--port', '-1'], /--port/, 2)
  fails(['--nothing'], /playground: Unknown option/, 2)
  const bare = join(top, 'bare')
  fs.cpSync(join(home, 'dist/bin'), join(bare, 'bin'), { recursive: true })
  const ran = runPeer(process.execPath, join(bare, 'bin/composefs.js'), 'playground')
  assert.equal([ran.status, ran.stdout.toString()], [1, ''])
  assert.match(ran.stderr, /^composefs: playground: .*bare\/playground: the site is not there.*\n$/)
})

playground('it ends when it is told to, though someone is connected', async () => {
  const one = await startPrinting(home, 'composefs', ['playground', '--port', '0'])
  const socket = connect(Number(new URL(one.url).port), '127.0.0.1').on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve))
  assert.is(await one.end('SIGINT'), 0)
  socket.destroy()
  assert.is(await end('SIGTERM'), 0)
})

playground.run()
