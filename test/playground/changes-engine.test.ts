// Changes as the playground's worker makes them, without a browser: each edit is whole or not at all and can be undone, and what is made
// of the changes is what the package itself makes of them.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, type Mount, mount, openImage, TreeBuilder } from '../../src/index.js'
import { Changes } from '../../src/playground/engine/changes.js'
import { ChangesExport } from '../../src/playground/engine/changes-export.js'
import { Documents } from '../../src/playground/engine/documents.js'
import { Jobs } from '../../src/playground/engine/jobs.js'
import { tarItems } from '../../src/playground/engine/tar-items.js'
import type { DocumentId, Dropped } from '../../src/playground/protocol.js'

const changes = suite('playground: changes in the worker')
const LIMIT = 4 << 20
const FORM = { byteOrderMark: false, newline: '\n', mixed: false } as const
const BIG = 'a line that many files of the tree below have in common\n'.repeat(40)

/** A name with a byte that is not UTF-8, as path text. */
const ODD = 'odd \udcff\n<b>'

function tree(): TreeBuilder {
  const builder = new TreeBuilder({ mode: 0o755, mtime: { seconds: 1e9, nsec: 5 } })
  const at = { mtime: { seconds: 1e9, nsec: 7 } }
  builder.addDirectory('etc', at)
  builder.addFile('etc/hosts', 'localhost\n', { ...at, mode: 0o640, uid: 3, gid: 4, xattrs: { 'user.note': 'kept' } })
  builder.addFile('etc/dos.txt', '\ufeffone\r\ntwo\r\n', at)
  builder.addDirectory('usr', at)
  builder.addDirectory('usr/lib', at)
  for (let i = 0; i < 30; i++) builder.addFile(`usr/lib/part-${i}`, `${i}\n${BIG}`, at)
  builder.addSymlink('lib', 'usr/lib', at)
  return builder
}

const store = new MemoryStore()
const built = await buildImage(tree(), { store })

interface Bench {
  readonly id: DocumentId
  readonly documents: Documents
  readonly changes: Changes
  readonly made: ChangesExport
}

async function bench(): Promise<Bench> {
  const jobs = new Jobs()
  const documents = new Documents('http://localhost/', jobs)
  const file = new Blob([built.image as Uint8Array<ArrayBuffer>])
  const { id } = await documents.openBlob({ file, name: 'host.cfs', origin: 'file', stores: [store] })
  return { id, documents, changes: new Changes(documents, jobs, LIMIT), made: new ChangesExport(documents, jobs) }
}

async function failure(action: Promise<unknown>): Promise<string> {
  try {
    await action
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'it has not failed'
}

async function bytesOf(stream: ReadableStream<Uint8Array> | Blob): Promise<Buffer> {
  return Buffer.from(await new Response(stream as Blob).arrayBuffer())
}

function file(name: string, data: string | Uint8Array, lastModified = 1_600_000_000_000): Dropped {
  return { path: name, file: new File([data as string], name.split('/').at(-1) ?? '', { lastModified }) }
}

/** The kinds and paths. */
async function told({ changes, id }: Bench): Promise<string[]> {
  return (await changes.list(id)).rows.map(({ kind, path, from }) => `${kind} ${path}${from ? ` from ${from}` : ''}`)
}

changes('nothing is changed before the first edit, which begins it', async () => {
  const one = await bench()
  assert.is(one.documents.info(one.id).writable, false)
  assert.equal(await one.changes.list(one.id), { counts: { added: 0, modified: 0, deleted: 0, renamed: 0 }, rows: [] })
  assert.match(await failure(one.made.layer(one.id)), /Nothing has been changed/)
  await one.changes.save(one.id, '/etc/hosts', 'changed\n', FORM)
  assert.is(one.documents.info(one.id).writable, true)
  assert.equal(await told(one), ['modified /etc/hosts'])
  const { fs } = one.documents.get(one.id).mount
  assert.is(fs.readFileSync('/etc/hosts', 'utf8'), 'changed\n')
  const badges = await one.changes.badges(one.documents.get(one.id))
  assert.equal([...badges], [['/etc/hosts', 'modified']])
  assert.is((await one.changes.discard(one.id)).writable, false)
  assert.is((await one.changes.state(one.id)).count, 0)
})

changes('a text keeps its byte order mark and the ends of its lines', async () => {
  const one = await bench()
  const { text, form } = await one.changes.text(one.id, '/etc/dos.txt')
  assert.is(text, 'one\r\ntwo\r\n')
  // As an editor has it.
  await one.changes.save(one.id, '/etc/dos.txt', 'one\nthree\n', form)
  assert.equal(one.documents.get(one.id).mount.fs.readFileSync('/etc/dos.txt'), Buffer.from('\ufeffone\r\nthree\r\n'))
  await one.changes.upload(one.id, '/', [file('latin', Uint8Array.of(0x61, 0xe9, 0x0a))])
  assert.match(await failure(one.changes.text(one.id, '/latin')), /not UTF-8/)
})

changes('names are made, moved and removed; what is there is never written over', async () => {
  const one = await bench()
  const { id } = one
  assert.is(await one.changes.make(id, '/etc', { kind: 'folder', name: ODD }), `/etc/${ODD}`)
  await one.changes.make(id, `/etc/${ODD}`, { kind: 'symlink', name: 'there', target: '../<i>hosts' })
  await one.changes.make(id, '/', { kind: 'file', name: 'empty' })
  await one.changes.move(id, '/usr/lib', '/etc/parts')
  await one.changes.remove(id, '/etc/parts/part-3')
  await one.changes.remove(id, `/etc/hosts`)
  assert.equal(await told(one), [
    'added /empty',
    'deleted /etc/hosts',
    'added /etc/odd \udcff\n<b>',
    'added /etc/odd \udcff\n<b>/there',
    'renamed /etc/parts from /usr/lib',
    'deleted /etc/parts/part-3',
  ])
  assert.match(await failure(one.changes.make(id, '/', { kind: 'file', name: 'empty' })), /There is \/empty already/)
  assert.match(await failure(one.changes.move(id, '/empty', '/etc/dos.txt')), /There is \/etc\/dos.txt already/)
  assert.match(await failure(one.changes.move(id, '/etc', '/etc/parts/etc')), /into itself/)
  assert.match(await failure(one.changes.move(id, '/empty', '/nowhere/x')), /no folder \/nowhere/)
  for (const name of ['', '.', '..', 'a/b', 'a\0b', 'n'.repeat(256), 'ü'.repeat(128)]) {
    assert.match(
      await failure(one.changes.make(id, '/', { kind: 'folder', name })),
      /can’t be made|There is no name|name/,
    )
  }
  assert.match(await failure(one.changes.remove(id, '/')), /root can’t be deleted/)
  const before = await told(one)
  await one.changes.remove(id, '/etc')
  assert.equal(await told(one), ['added /empty', 'deleted /etc', 'deleted /usr/lib'])
  assert.is(await one.changes.undo(id), 'the deletion of etc')
  assert.equal(await told(one), before)
})

changes('edits are undone one after the other, and not past what others have changed', async () => {
  const one = await bench()
  const { id } = one
  const states: string[][] = []
  const edits = [
    () => one.changes.save(id, '/etc/hosts', 'x\n', FORM),
    () => one.changes.move(id, '/usr/lib', '/lib64'),
    () => one.changes.remove(id, '/usr'),
    () => one.changes.setAttributes(id, '/lib64/part-1', { mode: 0o4711, uid: 9, set: [], remove: [] }),
  ]
  for (const edit of edits) {
    states.push(await told(one))
    await edit()
  }
  for (const state of states.reverse()) {
    assert.type(await one.changes.undo(id), 'string')
    assert.equal(await told(one), state)
  }
  assert.is(await one.changes.undo(id), undefined)
  await one.changes.remove(id, '/etc/hosts')
  const document = one.documents.get(id)
  document.mount.fs.writeFileSync('/terminal', 'was here')
  document.changed()
  assert.is((await one.changes.state(id)).undo, undefined)
  assert.is(await one.changes.undo(id), undefined)
  assert.equal(await told(one), ['deleted /etc/hosts', 'added /terminal'])
})

changes('files are added; those whose names are taken wait to be asked for', async () => {
  const one = await bench()
  const { id } = one
  const result = await one.changes.upload(id, '/etc', [
    file('new.txt', 'new\n'),
    file('hosts', 'other\n'),
    file('deep/er/x', 'x'),
    { path: 'deep/empty' },
  ])
  assert.equal(result, { added: 2, waiting: 1, examples: ['hosts'] })
  const { fs } = one.documents.get(id).mount
  assert.is(fs.readFileSync('/etc/hosts', 'utf8'), 'localhost\n')
  assert.is(fs.statSync('/etc/new.txt').mtimeMs, 1_600_000_000_000)
  assert.is(fs.statSync('/etc/deep/empty').isDirectory(), true)
  assert.is(await one.changes.replaceWaiting(id, true), 1)
  assert.is(fs.readFileSync('/etc/hosts', 'utf8'), 'other\n')
  assert.is(await one.changes.replaceWaiting(id, true), 0)
  assert.match(await failure(one.changes.upload(id, '/', [file('a/../../x', 'x')])), /can’t be added|leads out/)
})

changes('more than fits is refused, and nothing of it stays', async () => {
  const one = await bench()
  const { id } = one
  await one.changes.save(id, '/etc/hosts', 'small\n', FORM)
  const before = await told(one)
  const said = await failure(
    one.changes.upload(id, '/', [file('fits', new Uint8Array(1 << 20)), file('too-much', new Uint8Array(LIMIT))]),
  )
  assert.match(said, /^The files can’t be added: the changes of an image may take 4 MiB here.*Nothing has been changed/)
  assert.equal(await told(one), before)
  assert.match(await failure(one.changes.save(id, '/etc/hosts', 'x'.repeat(LIMIT + 1), FORM)), /hosts can’t be saved/)
  assert.is(one.documents.get(id).mount.fs.readFileSync('/etc/hosts', 'utf8'), 'small\n')
  const { used, limit } = await one.changes.state(id)
  assert.ok(used > 0 && used < 64 << 10 && limit === LIMIT, String(used))
})

changes('mode, owner, time and extended attributes', async () => {
  const one = await bench()
  const { id } = one
  const text = new TextEncoder()
  const was = await one.changes.attributes(id, '/etc/hosts')
  assert.equal(was, {
    type: 'file',
    mode: 0o640,
    uid: 3,
    gid: 4,
    mtime: 1e9,
    mtimeNsec: 7,
    xattrs: [{ name: 'user.note', value: text.encode('kept') }],
  })
  const added = { name: 'user.<x> \udcfe', value: Uint8Array.of(0, 255) }
  await one.changes.setAttributes(id, '/etc/hosts', {
    mode: 0o6755,
    uid: 7,
    mtime: 12,
    set: [added],
    remove: ['user.note'],
  })
  assert.equal(await one.changes.attributes(id, '/etc/hosts'), {
    ...was,
    mode: 0o6755,
    uid: 7,
    mtime: 12,
    mtimeNsec: 0,
    xattrs: [added],
  })
  await one.changes.setAttributes(id, '/lib', { uid: 5, mtime: 99, set: [], remove: [] })
  const link = await one.changes.attributes(id, '/lib')
  assert.equal([link.type, link.uid, link.mtime], ['symlink', 5, 99])
  assert.is((await one.changes.attributes(id, '/usr/lib')).uid, 0, 'a symlink is not followed')
  const before = await one.changes.attributes(id, '/etc')
  const bad = { uid: 1, mode: 0o777, set: [{ name: 'nothing', value: new Uint8Array(1) }], remove: [] }
  assert.match(await failure(one.changes.setAttributes(id, '/etc', bad)), /^etc can’t be changed so/)
  assert.equal(await one.changes.attributes(id, '/etc'), before)
})

/** The same edits, by `fs`. */
function edited({ fs }: Mount): void {
  fs.renameSync('/usr/lib', '/etc/parts')
  fs.rmSync('/etc/parts/part-3')
  fs.chmodSync('/etc/parts/part-4', 0o4755)
  fs.rmSync('/etc/dos.txt')
  fs.mkdirSync('/new')
  fs.writeFileSync('/new/object', BIG)
  fs.writeFileSync('/etc/parts/part-5', `${BIG}more\n`)
  for (const path of ['/', '/new', '/usr', '/etc', '/etc/parts', '/new/object', '/etc/parts/part-5'])
    fs.utimesSync(path, 1e9, 1e9)
}

changes('layer and commit are what the package makes of the same edits', async () => {
  const one = await bench()
  const { id } = one
  await one.changes.start(id)
  const document = one.documents.get(id)
  edited(document.mount)
  document.changed()
  const mounted = await mount(built.image, { store, writable: true })
  edited(mounted)
  assert.is(Buffer.compare(await bytesOf(await one.made.layer(id)), await bytesOf(mounted.exportLayer())), 0)
  const own = new MemoryStore()
  const committed = await mounted.commit({ store: own })
  const image = await one.made.commit(id)
  assert.is(image.digest, committed.digest)
  assert.is(image.name, 'host-changed.cfs')
  assert.is(Buffer.compare(await bytesOf(image.image), Buffer.from(committed.image)), 0)
  assert.is(image.objects, committed.objects.length)
  const job = new Jobs().begin(undefined, { what: '', done: 0, total: 0, unit: 'bytes' })
  const items = await tarItems(await one.made.objects(id), 'objects.tar', job)
  assert.equal(items.map(item => item.path).sort(), [...committed.objects].sort())
  const opened = await one.made.open(id)
  assert.equal([opened.origin, opened.digest, opened.writable], ['commit', committed.digest, false])
  // Of the old store, and of the new objects.
  const { fs } = one.documents.get(opened.id).mount
  assert.is(await fs.promises.readFile('/etc/parts/part-7', 'utf8'), `7\n${BIG}`)
  assert.is(await fs.promises.readFile('/etc/parts/part-5', 'utf8'), `${BIG}more\n`)
  one.documents.close(id)
  assert.is(await fs.promises.readFile('/new/object', 'utf8'), BIG)
  assert.is(opened.digest, (await openImage(committed.image, { digest: opened.digest })).digest())
})

changes('a commit of an image that was changed meanwhile is refused, a cancelled one too', async () => {
  const one = await bench()
  const { id } = one
  await one.changes.remove(id, '/etc/hosts')
  const document = one.documents.get(id)
  const committing = failure(one.made.commit(id))
  document.changed()
  assert.match(await committing, /changed while the image was made/)
  assert.is(one.made.committed(id), undefined)
  const again = await one.made.commit(id)
  assert.is(one.made.committed(id)?.digest, again.digest)
  await one.changes.remove(id, '/usr')
  assert.is(one.made.committed(id), undefined)
})

changes.run()
