// Buckets: composefs push, fsck, gc, cat, ls, verify over s3:// URLs. A small service of our own for counts and faults, and
// OpenStack Swift where it can be started.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { S3Client } from '../../src/store/s3-client.js'
import { command, commandLater, type Ran, startCommand } from '../helpers/command.js'
import { type PoolObject, pathsIn, poolObject } from '../helpers/object-pool.js'
import { fixture, skip } from '../helpers/paths.js'
import { imageOf, sizedObject } from '../helpers/published.js'
import { startS3 } from '../helpers/s3-server.js'
import { sha256 } from '../helpers/store-hash.js'
import { startSwift } from '../helpers/swift.js'

const s3 = suite('composefs with s3 URLs')
const top = fs.mkdtempSync(join(tmpdir(), 'push-s3-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
let count = 0
const fresh = (): string => {
  const path = join(top, String(count++))
  fs.mkdirSync(path)
  return path
}

const server = await startS3()
const asked = {
  AWS_ENDPOINT_URL_S3: server.endpoint,
  AWS_ACCESS_KEY_ID: server.accessKeyId,
  AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  AWS_REGION: server.region,
}
const run = async (...args: string[]): Promise<Ran> => {
  const ran = await commandLater('composefs', args, asked)
  for (const secret of [server.secretAccessKey, server.accessKeyId]) {
    assert.not.match(ran.stderr + ran.stdout.toString(), secret)
  }
  return ran
}
const well = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await run(...args)
  assert.is(status, 0, stderr)
  return stdout.toString()
}
const place = (): string => `s3://${server.bucket}/p${count++}/deep`
const keysBelow = (url: string): string[] => {
  const prefix = url.slice(`s3://${server.bucket}/`.length)
  return [...server.objects.keys()]
    .filter(key => key.startsWith(`${prefix}/`))
    .map(key => key.slice(prefix.length + 1))
    .sort()
}
const keyOf = (url: string, name: string): string => `${url.slice(`s3://${server.bucket}/`.length)}/objects/${name}`
const methods = (): string[] => server.calls.map(({ method }) => method)

const from = fresh()
const large = sizedObject(9 * 2 ** 20 + 1, 7)
const objects: PoolObject[] = [
  large,
  sizedObject(2 * 2 ** 20, 8),
  ...Array.from({ length: 20 }, (_, i) => poolObject(i)),
]
const image = imageOf(from, 'image.cfs', objects)
const basedir = join(from, 'objects')
const all = [
  ...objects.map(({ name }) => `objects/${name}`),
  ...objects.slice(0, 2).map(({ name }) => `objects/${name}.verity`),
  'image.cfs',
  'image.cfs.verity',
].sort()

s3('push brings all of it, the image last; again, nothing', async () => {
  const to = place()
  server.calls.length = 0
  const first = JSON.parse(await well('push', image, '--basedir', basedir, '--to', to, '--json'))
  assert.equal([first.uploaded, first.trees, first.images[0].uploaded], [objects.length, 2, true])
  assert.equal(keysBelow(to), all)
  const puts = server.calls.filter(({ method }) => method === 'PUT').map(({ key }) => key)
  assert.match(puts[0], '/objects/.push/')
  assert.match(puts.at(-1) ?? '', /\/image\.cfs$/)
  assert.match(puts.at(-2) ?? '', /\/image\.cfs\.verity$/)
  for (const { name, data } of objects) {
    assert.ok(server.objects.get(keyOf(to, name))?.data.equals(data), name)
  }
  const tree = server.objects.get(keyOf(to, `${large.name}.verity`))?.data
  assert.ok(tree?.equals(merkleTree(large.data, sha256)))
  server.calls.length = 0
  const second = JSON.parse(await well('push', image, '--basedir', basedir, '--to', `${to}/`, '--json'))
  assert.equal([second.uploaded, second.present, second.images[0].uploaded], [0, objects.length, false])
  // Only the mark is put; one page of a list tells what is there.
  assert.is(methods().filter(method => method === 'PUT').length, 1)
  assert.is(server.calls.filter(({ key, method }) => key === '' && method === 'GET').length, 1)
  assert.ok(server.calls.length <= 8, methods().join(' '))
})

s3('what is there, and who asks where lists are forbidden', async () => {
  const to = place()
  await well('push', image, '--basedir', basedir, '--to', to)
  server.objects.delete(keyOf(to, objects[5].name))
  server.mishap = ({ method, key }) => (method === 'GET' && key === '' ? { status: 403 } : undefined)
  const again = JSON.parse(await well('push', image, '--basedir', basedir, '--to', to, '--json'))
  server.mishap = () => undefined
  assert.equal([again.uploaded, again.objects], [1, [objects[5].name]])
  assert.equal(keysBelow(to), all)
})

s3('one object that can not be put: it is named, there is no image, and the next push brings the rest', async () => {
  const to = place()
  const { name } = objects[7]
  server.mishap = ({ method, key }) =>
    method === 'PUT' && key.endsWith(name) ? { status: 400, body: 'no' } : undefined
  const { status, stderr, stdout } = await run('push', image, '--basedir', basedir, '--to', to, '--jobs', '3')
  server.mishap = () => undefined
  assert.is(status, 1)
  assert.match(stderr, new RegExp(`^composefs: push: .*${name}.*\n$`))
  assert.is(stdout.toString(), '')
  const there = keysBelow(to)
  assert.not.ok(there.includes('image.cfs') || there.some(key => key.includes('.push')))
  const before = there.filter(key => /^objects\/.{65}$/.test(key)).length
  const again = JSON.parse(await well('push', image, '--basedir', basedir, '--to', to, '--json'))
  assert.equal([again.present, again.uploaded], [before, objects.length - before])
  assert.equal(keysBelow(to), all)
})

s3('killed while it puts, it goes on; its mark keeps gc away meanwhile', async () => {
  const to = place()
  server.mishap = ({ method, key }) => (method === 'PUT' && key.endsWith(objects[15].name) ? 'stall' : undefined)
  const child = startCommand('composefs', ['push', image, '--basedir', basedir, '--to', to, '--jobs', '2'], asked)
  const ended = new Promise(resolve => child.once('close', resolve))
  while (keysBelow(to).length < 8) await new Promise(resolve => setTimeout(resolve, 10))
  child.kill('SIGKILL')
  await ended
  server.mishap = () => undefined
  for (const key of keysBelow(to).filter(key => !key.includes('.push'))) age(`${to}/${key}`)
  const before = keysBelow(to)
  const kept = JSON.parse(await well('gc', `${to}/objects`, fixture('small.cfs'), '--json'))
  assert.equal([kept.removed, kept.builds], [0, 1])
  assert.equal(keysBelow(to), before)
  const present = before.filter(key => /^objects\/.{65}$/.test(key)).length
  const again = JSON.parse(await well('push', image, '--basedir', basedir, '--to', to, '--json'))
  assert.equal([again.present, again.uploaded], [present, objects.length - present])
  assert.equal(
    keysBelow(to).filter(key => !key.includes('.push')),
    all,
  )
})

const DAY = 86_400_000

/** Makes an object one of last week, or of so many milliseconds ago. */
function age(url: string, by = 7 * DAY): void {
  const key = url.slice(`s3://${server.bucket}/`.length)
  const found = server.objects.get(key)
  if (found !== undefined) server.objects.set(key, { ...found, modified: new Date(Date.now() - by) })
}

s3('the name of an object is one as it is, odd or not', async () => {
  const [to, dir] = [place(), fresh()]
  const odd = join(dir, 'a?b#c%20 d.cfs')
  fs.copyFileSync(image, odd)
  await well('push', odd, '--basedir', basedir, '--to', to)
  assert.match(await well('ls', `${to}/a?b#c%20 d.cfs`), 'f0')
  const again = await well('push', `${to}/a?b#c%20 d.cfs`, '--basedir', basedir, '--to', join(dir, 'back'), '--json')
  assert.is(JSON.parse(again).images[0].name, 'a?b#c%20 d.cfs')
  assert.equal(fs.readFileSync(join(dir, 'back', 'a?b#c%20 d.cfs')), fs.readFileSync(image))
})

s3('the mark of a push counts for a day, whatever the age of what gc may remove', async () => {
  const to = place()
  await well('push', image, '--basedir', basedir, '--to', to)
  const mark = keyOf(to, '.push/1')
  server.objects.set(mark, { data: Buffer.from('x'), etag: '"x"', modified: new Date() })
  for (const key of keysBelow(to).filter(key => !key.includes('.push'))) age(`${to}/${key}`)
  const before = keysBelow(to)
  age(`${to}/objects/.push/1`, DAY - 60_000)
  const kept = JSON.parse(await well('gc', `${to}/objects`, fixture('small.cfs'), '--min-age', '1s', '--json'))
  assert.equal([kept.removed, kept.builds], [0, 1])
  assert.equal(keysBelow(to), before)
  age(`${to}/objects/.push/1`, DAY + 60_000)
  const gone = JSON.parse(await well('gc', `${to}/objects`, fixture('small.cfs'), '--min-age', '7s', '--json'))
  assert.equal([gone.removed, gone.builds], [objects.length, 0])
  assert.equal(keysBelow(to), ['image.cfs', 'image.cfs.verity'])
})

s3('a push that begins while gc reads the images keeps it away', async () => {
  const to = place()
  await well('push', image, '--basedir', basedir, '--to', to)
  const other = place()
  await well('push', imageOf(fresh(), 'one.cfs', [objects[3]]), '--basedir', basedir, '--to', other)
  for (const key of keysBelow(to)) age(`${to}/${key}`)
  server.mishap = ({ method, key }) => {
    if (method !== 'GET' || !key.endsWith('one.cfs')) return undefined
    server.objects.set(keyOf(to, '.push/1'), { data: Buffer.from('x'), etag: '"x"', modified: new Date() })
    return undefined
  }
  const kept = JSON.parse(await well('gc', `${to}/objects`, `${other}/one.cfs`, '--json'))
  server.mishap = () => undefined
  assert.equal([kept.removed, kept.builds, kept.fresh], [0, 1, objects.length - 1])
})

s3('ls, cat, stat, verify, extract and diff read what was pushed', async () => {
  const to = place()
  const both = fresh()
  fs.cpSync(fixture('objects'), both, { recursive: true })
  fs.cpSync(basedir, both, { recursive: true })
  await well('push', fixture('small.cfs'), image, '--basedir', both, '--to', to)
  const there = `${to}/small.cfs`
  const store = ['--basedir', `${to}/objects`]
  const local = fixture('small.cfs')
  const same = async (args: (image: string) => string[], ...here: string[]) => {
    const wanted = command('composefs', ...args(local), ...here)
    const found = await run(...args(there), ...(here.length > 0 ? store : []))
    assert.equal([found.status, found.stdout.toString()], [wanted.status, wanted.stdout.toString()], found.stderr)
  }
  await same(one => ['ls', '-lR', one])
  await same(one => ['stat', one, '/project/package.json'])
  await same(one => ['cat', one, '/project/package.json'], '--basedir', fixture('objects'))
  await same(one => ['verify', one], '--basedir', fixture('objects'))
  assert.match(await well('diff', there, local), '0 added, 0 removed, 0 changed')
  const cat = await run('cat', `${to}/image.cfs`, '/f0', ...store)
  assert.ok(cat.stdout.equals(large.data))
  assert.match(await well('fsck', `${to}/objects`, there, `${to}/image.cfs`), 'no problems')
})

s3('fsck finds what is wrong in a bucket', async () => {
  const to = place()
  await well('push', image, '--basedir', basedir, '--to', to)
  const put = (name: string, data: Uint8Array) =>
    server.objects.set(keyOf(to, name), { data: Buffer.from(data), etag: '"x"', modified: new Date() })
  const [, second, third, fourth, fifth] = objects
  const altered = Buffer.from(third.data)
  altered[0] ^= 1
  put(third.name, altered)
  server.objects.delete(keyOf(to, fourth.name))
  put(`${second.name}.verity`, new Uint8Array(4096))
  put('what', new Uint8Array(3))
  put(poolObject(99).name, poolObject(99).data)
  const wrongPlace = `00/${fifth.name.slice(3)}`
  server.objects.delete(keyOf(to, fifth.name))
  put(wrongPlace, fifth.data)
  const { status, stdout } = await run('fsck', `${to}/objects`, image, '--json')
  assert.is(status, 1)
  const { problems } = JSON.parse(stdout.toString()) as { problems: { kind: string; object: string }[] }
  assert.equal(
    problems.map(({ kind, object }) => `${kind} ${object}`).sort(),
    [
      `altered ${second.name}.verity`,
      `altered ${third.name}`,
      `misplaced ${wrongPlace}`,
      `missing ${fifth.name}`,
      `missing ${fourth.name}`,
      `stray ${poolObject(99).name}`,
      'stray what',
    ].sort(),
  )
})

s3('gc removes what no image needs, with its tree, and neither what is young nor what is strange', async () => {
  const to = place()
  await well('push', image, '--basedir', basedir, '--to', to)
  const one = imageOf(fresh(), 'one.cfs', [objects[3]])
  for (const key of keysBelow(to)) age(`${to}/${key}`)
  const { data } = poolObject(50)
  server.objects.set(keyOf(to, poolObject(50).name), { data: Buffer.from(data), etag: '"x"', modified: new Date() })
  server.objects.set(keyOf(to, 'strange'), { data: Buffer.from(data), etag: '"x"', modified: new Date(0) })
  const before = keysBelow(to)
  const dry = JSON.parse(await well('gc', `${to}/objects`, one, '--dry-run', '--json'))
  assert.equal(keysBelow(to), before)
  const real = JSON.parse(await well('gc', `${to}/objects`, one, '--json'))
  assert.equal({ ...real, objects: [], dryRun: true }, { ...dry, objects: [] })
  assert.equal([real.removed, real.needed, real.fresh, real.trees], [objects.length - 1, 1, 1, 2])
  assert.equal(
    keysBelow(to),
    [
      `objects/${objects[3].name}`,
      `objects/${poolObject(50).name}`,
      'objects/strange',
      'image.cfs',
      'image.cfs.verity',
    ].sort(),
  )
  await well('gc', `${to}/objects`, one, '--min-age', '0s')
  assert.not.ok(keysBelow(to).includes(`objects/${poolObject(50).name}`))
  const bad = await run('gc', `${to}/objects`, join(top, 'none'))
  assert.is(bad.status, 1)
  assert.is((await run('gc', `${to}/objects`, one, '--min-age', 'soon')).status, 2)
})

s3('wrong keys, no bucket, no image: one line', async () => {
  const wrong = await commandLater('composefs', ['ls', `s3://${server.bucket}/x/image.cfs`], {
    ...asked,
    AWS_SECRET_ACCESS_KEY: 'not-the-secret',
  })
  assert.is(wrong.status, 1)
  assert.match(wrong.stderr, /^composefs: open: s3:\/\/bucket\/x\/image\.cfs: .*\(EACCES\)\n$|EACCES/)
  assert.not.match(wrong.stderr, 'not-the-secret')
  for (const args of [
    ['ls', `s3://${server.bucket}/none`],
    ['ls', `s3://${server.bucket}`],
    ['ls', `s3://nobucket/none`],
    ['fsck', 's3://nobucket/objects'],
    ['push', image, '--basedir', basedir, '--to', 's3://nobucket/x'],
    ['cat', `s3://user:word@${server.bucket}/none`, '/x'],
  ]) {
    const { status, stderr } = await run(...args)
    assert.is(status, 1, stderr)
    assert.match(stderr, /^composefs: [^\n]*\n$/)
    assert.not.match(stderr, 'word')
  }
})

const swift = await startSwift()
if (typeof swift === 'string') skip(s3, 'OpenStack Swift', swift)
else {
  s3('OpenStack Swift: pushed, read, looked over, cleared', async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = swift
    const client = new S3Client({ bucket: 'published', endpoint, region, accessKeyId, secretAccessKey })
    await client.send('PUT', {}, () => {})
    const env = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    }
    const there = async (...args: string[]) => {
      const { status, stdout, stderr } = await commandLater('composefs', args, env)
      assert.is(status, 0, stderr)
      return stdout
    }
    const to = 's3://published/images'
    const first = JSON.parse(String(await there('push', image, '--basedir', basedir, '--to', to, '--json')))
    assert.equal([first.uploaded, first.trees], [objects.length, 2])
    const second = JSON.parse(String(await there('push', image, '--basedir', basedir, '--to', to, '--json')))
    assert.equal([second.uploaded, second.present, second.images[0].uploaded], [0, objects.length, false])
    const { digest } = first.images[0]
    const bytes = await there('cat', `${to}/image.cfs`, '/f0', '--digest', digest, '--basedir', `${to}/objects`)
    assert.ok(bytes.equals(large.data))
    const out = join(fresh(), 'out')
    await there('extract', `${to}/image.cfs`, out, '--basedir', `${to}/objects`)
    const names = pathsIn(out)
    assert.is(names.length, objects.length)
    for (const [i, { data }] of objects.entries()) assert.ok(fs.readFileSync(join(out, `f${i}`)).equals(data))
    assert.match(String(await there('fsck', `${to}/objects`, `${to}/image.cfs`)), 'no problems')
    const one = imageOf(fresh(), 'one.cfs', [objects[3]])
    const gone = JSON.parse(String(await there('gc', `${to}/objects`, one, '--min-age', '0s', '--json')))
    assert.equal([gone.removed, gone.needed, gone.trees], [objects.length - 1, 1, 2])
    await swift.stop()
  })
}

s3.run()
