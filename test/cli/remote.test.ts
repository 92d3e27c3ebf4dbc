// Every command over HTTP answers as it does on files of the host, byte for byte, from `composefs serve` and from nginx; few
// requests where an image is opened lazily; and what goes wrong is one line.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command, type Ran } from '../helpers/command.js'
import { NO_NGINX, startNginx } from '../helpers/nginx.js'
import { poolObject, write } from '../helpers/object-pool.js'
import { fixture, skip } from '../helpers/paths.js'
import { imageOf, sizedObject } from '../helpers/published.js'
import { startServing } from '../helpers/serving.js'

const remote = suite('composefs over HTTP')
const top = fs.mkdtempSync(join(tmpdir(), 'remote-command-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
const site = join(top, 'site')
const from = join(top, 'from')
fs.mkdirSync(from)
const large = sizedObject(5 * 2 ** 20 + 3, 9)
const made = imageOf(from, 'made.cfs', [large, ...Array.from({ length: 12 }, (_, i) => poolObject(i))])
fs.cpSync(fixture('objects'), join(from, 'objects'), { recursive: true })
const names = ['small.cfs', 'small-v1.cfs'].map(name => {
  fs.copyFileSync(fixture(name), join(from, name))
  return join(from, name)
})
// A directory of several blocks, whose inodes lie far from it.
const files = Array.from({ length: 3000 }, (_, i) => `/d/file${String(i).padStart(5, '0')}`)
const lines = files.map(path => `${path} 1 100644 1 0 0 0 0.0 - x -`)
fs.writeFileSync(
  join(from, 'wide.dump'),
  ['/ 0 40755 3 0 0 0 0.0 - - -', '/d 0 40755 2 0 0 0 0.0 - - -', ...lines, ''].join('\n'),
)
const built = command('composefs', 'build', join(from, 'wide.dump'), join(from, 'wide.cfs'))
if (built.status !== 0) throw new Error(built.stderr)
names.push(join(from, 'wide.cfs'))
const push = command('composefs', 'push', made, ...names, '--basedir', join(from, 'objects'), '--to', site, '--json')
if (push.status !== 0) throw new Error(push.stderr)
const digests = new Map<string, string>(
  JSON.parse(push.stdout.toString()).images.map((one: { name: string; digest: string }) => [one.name, one.digest]),
)
const altered = fs.readFileSync(fixture('small.cfs'))
altered[altered.length - 1000] ^= 1
fs.writeFileSync(join(site, 'altered.cfs'), altered)
fs.copyFileSync(join(site, 'small.cfs.verity'), join(site, 'altered.cfs.verity'))

const serving = await startServing(site)
const nginx = await startNginx({ root: site })
const sites = [serving.url, ...(nginx === undefined ? [] : [nginx.url])]
if (nginx === undefined) skip(remote, 'nginx', NO_NGINX)

/** Arguments with `@` for the site: a directory here, a URL there. */
const COMMANDS: readonly (readonly string[])[] = [
  ['ls', '@/small.cfs'],
  ['ls', '@/small.cfs', '/project', '/hello.txt', '/awkward'],
  ['ls', '-l', '@/small.cfs', '/', '/awkward'],
  ['ls', '--json', '@/small.cfs', '/awkward'],
  ['ls', '-lR', '@/small.cfs'],
  ['ls', '@/wide.cfs', '/d'],
  ['ls', '-l', '@/wide.cfs', '/d'],
  ['ls', '-R', '--json', '@/small-v1.cfs'],
  ['ls', '-l', '@/small-v1.cfs', '/'],
  ['ls', '--digest', digests.get('small.cfs') as string, '@/small.cfs', '/awkward/inline'],
  ['stat', '@/small.cfs', '/', '/project/package.json', '/hello.txt'],
  ['stat', '--json', '@/small-v1.cfs', '/project/package.json'],
  ['stat', '@/small.cfs', '/nothing'],
  ['cat', '@/small.cfs', '/project/package.json', '/awkward/inline/63', '--basedir', '@/objects'],
  ['cat', '@/small-v1.cfs', '/project/package.json', '--basedir', '@/objects'],
  ['cat', '@/made.cfs', '/f0', '/f3', '--basedir', '@/objects', '--digest', digests.get('made.cfs') as string],
  ['cat', '@/small.cfs', '/nothing', '/project', '/hello.txt', '--basedir', '@/objects'],
  ['verify', '@/made.cfs', '--basedir', '@/objects'],
  ['verify', '@/small.cfs', '--basedir', '@/objects', '--digest', digests.get('small.cfs') as string, '--json'],
  ['diff', '@/small.cfs', '@/made.cfs'],
  ['diff', '@/small.cfs', '@/small-v1.cfs', '--json'],
]
const INFO: readonly (readonly string[])[] = [
  ['ls', '@/small.cfs'],
  ['dump', '@/made.cfs'],
  ['objects', '@/small.cfs', '@/made.cfs'],
  ['--basedir=@/objects', 'missing-objects', '@/small.cfs', '@/made.cfs'],
]

for (const [program, commands] of [
  ['composefs', COMMANDS],
  ['composefs-info', INFO],
] as const) {
  for (const args of commands) {
    remote(`${program} ${args.join(' ').replace(/[0-9a-f]{64}/, 'HEX')}`, () => {
      const at = (place: string) => command(program, ...args.map(arg => arg.replaceAll('@', place)))
      const here = at(site)
      const what = args.filter(arg => !arg.includes('@')).join(' ')
      for (const url of sites) {
        const there = at(url)
        assert.is(there.status, here.status, `${what}: ${there.stderr}`)
        assert.ok(there.stdout.equals(here.stdout), `${what}:\n${there.stdout}`)
        assert.is(there.stderr.split('\n').length, here.stderr.split('\n').length, there.stderr)
      }
    })
  }
}

remote('extract writes the same tree', () => {
  const trees = [site, ...sites].map((place, i) => {
    const out = join(top, `out${i}`)
    const { status, stderr } = command(
      'composefs',
      'extract',
      `${place}/made.cfs`,
      out,
      '--basedir',
      `${place}/objects`,
    )
    assert.is(status, 0, stderr)
    return out
  })
  for (const out of trees.slice(1)) {
    for (const name of fs.readdirSync(trees[0])) {
      assert.ok(fs.readFileSync(join(out, name)).equals(fs.readFileSync(join(trees[0], name))), name)
      assert.is(fs.statSync(join(out, name)).mtimeMs, fs.statSync(join(trees[0], name)).mtimeMs)
    }
  }
})

remote('composefs-dump re-writes an image that is elsewhere', () => {
  const out = join(top, 'again.cfs')
  assert.is(command('composefs-dump', `${sites[0]}/small.cfs`, out).status, 0)
  assert.ok(fs.readFileSync(out).equals(fs.readFileSync(fixture('small.cfs'))))
})

remote('fsck looks at what images need, and says that it can not list', () => {
  for (const url of sites) {
    const { status, stdout } = command('composefs', 'fsck', `${url}/objects`, `${url}/small.cfs`, `${url}/made.cfs`)
    assert.is(status, 0)
    assert.match(stdout.toString(), /^27 objects, \d+ bytes of them, no problems\nonly what the images need/)
    fails(command('composefs', 'fsck', `${url}/objects`), "can't be listed")
  }
})

remote('fsck and verify find what is altered and what is missing', () => {
  const broken = join(site, 'broken')
  const [one, two] = [poolObject(1), poolObject(2)]
  fs.cpSync(join(site, 'objects'), broken, { recursive: true })
  write(broken, one.name, Buffer.from(one.data).fill(0, 0, 1))
  fs.rmSync(join(broken, two.name))
  fs.truncateSync(join(broken, `${large.name}.verity`), 4096)
  for (const url of sites) {
    const { status, stdout } = command('composefs', 'fsck', `${url}/broken`, `${url}/made.cfs`, '--json')
    assert.is(status, 1)
    const { problems, listed } = JSON.parse(stdout.toString())
    assert.is(listed, false)
    assert.equal(
      problems.map((problem: { kind: string; object: string }) => `${problem.kind} ${problem.object}`).sort(),
      [`altered ${one.name}`, `altered ${large.name}.verity`, `missing ${two.name}`].sort(),
    )
    const verified = command('composefs', 'verify', `${url}/made.cfs`, '--basedir', `${url}/broken`, '--json')
    const local = command('composefs', 'verify', `${site}/made.cfs`, '--basedir', `${site}/broken`, '--json')
    const paths = ({ stdout: text }: Ran) =>
      JSON.parse(text.toString()).problems.map(({ path, code }: { path: string; code: string }) => `${path} ${code}`)
    assert.is(verified.status, 1)
    assert.equal(paths(verified), paths(local))
  }
})

remote('a digest that is another one, and an altered image: not a line of it is printed', () => {
  const digest = digests.get('small.cfs') as string
  for (const url of sites) {
    for (const args of [
      ['ls', '-R', `${url}/altered.cfs`],
      ['ls', `${url}/made.cfs`],
      ['stat', `${url}/made.cfs`, '/'],
      ['verify', `${url}/altered.cfs`],
    ]) {
      const run = command('composefs', ...args, '--digest', digest)
      fails(run, /digest|size|length|tree/i)
      assert.is(run.stdout.toString(), '')
    }
  }
})

if (nginx !== undefined) {
  remote('an image that is opened lazily costs few requests', async () => {
    const of = async (...args: string[]) => {
      await nginx.log()
      const { status, stderr } = command('composefs', ...args)
      assert.is(status, 0, stderr)
      return nginx.log()
    }
    const image = `${nginx.url}/small.cfs`
    const root = await of('ls', image)
    assert.ok(root.length <= 3, `${root.length} requests`)
    assert.ok(root.reduce((sum, { bytes }) => sum + bytes, 0) <= 100 * 1024)
    assert.ok((await of('ls', '-l', image, '/project')).length <= 5)
    const checked = await of('stat', image, '/project/package.json', '--digest', digests.get('small.cfs') as string)
    assert.ok(checked.length <= 8, `${checked.length} requests`)
    const cat = await of('cat', image, '/project/package.json', '--basedir', `${nginx.url}/objects`)
    assert.is(cat.filter(({ path }) => path.startsWith('/objects/')).length, 1)
    assert.is((await of('ls', '-R', image)).length, 1)
  })
}

function fails(run: Ran, words: RegExp | string): void {
  assert.is(run.status, 1, run.stderr)
  assert.match(run.stderr, words)
  assert.match(run.stderr, /^composefs: [^\n]*\n$/)
}

remote('what can not be had is one line, without secrets', () => {
  const [url] = sites
  const secret = url.replace('http://', 'http://user:pass-word@')
  const cases: [string[], RegExp][] = [
    [['ls', `${url}/none`], /^composefs: open: http:\S+\/none: HTTP status 404 \(ENOENT\)\n/],
    [['ls', `${secret}/none?token=to-ken`], /HTTP status 404 \(ENOENT\)/],
    [['cat', `${url}/small.cfs`, '/project/package.json', '--basedir', `${secret}/none?token=to-ken`], /ENOENT/],
    [['ls', 'http://127.0.0.1:9/x'], /EIO/],
    [['ls', 'http://[::bad/x'], /EINVAL/],
    [['ls', 'ftp://user:pass-word@host/x'], /open: ftp:.*\(ENOTSUP\)/],
    [['verify', `${url}/small.cfs`, '--basedir', 'ftp://user:pass-word@host/x'], /open: ftp:.*\(ENOTSUP\)/],
    [['ls', `${url}/objects/`], /HTTP status 404/],
    [['gc', `${url}/objects`, `${url}/small.cfs`], /gc: http:.*\(EROFS\)/],
    [['fsck', 'ftp://host/x', `${url}/small.cfs`], /fsck: ftp:.*\(ENOTSUP\)/],
    [['extract', `${url}/small.cfs`, join(top, 'nowhere'), '--basedir', `${url}/none`], /ENOENT/],
  ]
  for (const [args, words] of cases) {
    const run = command('composefs', ...args)
    fails(run, words)
    assert.not.match(run.stderr, /pass-word|to-ken/)
  }
  assert.not.ok(fs.existsSync(join(top, 'nowhere')))
  assert.equal(
    fs.readdirSync(top).filter(name => name.startsWith('.nowhere')),
    [],
  )
})

remote('the end', async () => {
  await Promise.all([serving.stop(), nginx?.stop()])
})

remote.run()
