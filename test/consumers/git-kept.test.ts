// A repository that isomorphic-git has worked on in a writable mount comes back: in a later mount over the same upper
// directory, from a snapshot, and from the image that a commit of the mount writes. The judge is git, which finds the copy of
// each sound and as it was left; and whoever trusts an index finds inode numbers and times unchanged.
import fs from 'node:fs'
import { join } from 'node:path'
import * as iso from 'isomorphic-git'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, type Mount, mount } from '../../src/node.js'
import { skip } from '../helpers/paths.js'
import type { NodeFs, Place } from './fixture-image.js'
import { git, lacking, PERSON } from './git-server.js'
import { copyOut, sameLines, temporary, treeOf } from './writable-place.js'

const FILES = 50
const DIR = '/work'

const fsOf = (mounted: Mount) => mounted.fs as unknown as NodeFs
const placeOf = (mounted: Mount): Place => ({ name: 'mount', fs: fsOf(mounted), root: '' })

async function seed(dir: string): Promise<void> {
  await git(dir, 'init', '-q')
  for (let i = 0; i < FILES; i++) {
    fs.mkdirSync(join(dir, `part${i % 5}`), { recursive: true })
    fs.writeFileSync(join(dir, `part${i % 5}/file${i}`), `${i}\n`.repeat(100))
  }
  await git(dir, 'add', '-A')
  await git(dir, 'commit', '-qm', 'one')
}

/** Commits changes on a branch, and leaves some that are not committed. */
async function work(fs: NodeFs): Promise<void> {
  const at = { fs, dir: DIR, cache: {} }
  await iso.branch({ ...at, ref: 'topic', checkout: true })
  fs.renameSync(`${DIR}/part1`, `${DIR}/moved`)
  fs.appendFileSync(`${DIR}/part2/file2`, 'appended\n')
  fs.unlinkSync(`${DIR}/part3/file3`)
  fs.writeFileSync(`${DIR}/new`, 'new\n'.repeat(100))
  for (const [filepath, , inWork, stage] of await iso.statusMatrix(at)) {
    if (inWork === 0 && stage !== 0) await iso.remove({ ...at, filepath })
    else if (inWork !== stage) await iso.add({ ...at, filepath })
  }
  await iso.commit({ ...at, author: PERSON, message: 'two' })
  fs.writeFileSync(`${DIR}/untracked`, 'untracked\n')
  fs.chmodSync(`${DIR}/part2/file7`, 0o755)
  fs.rmSync(`${DIR}/part4`, { recursive: true })
}

/** What an index keeps of each file to know it again. */
function marks({ fs, root }: Place): string[] {
  return fs.readdirSync(`${root}${DIR}`, { recursive: true, encoding: 'utf8' }).map(path => {
    const { ino, ctimeNs, mtimeNs, size, mode } = fs.lstatSync(`${root}${DIR}/${path}`, { bigint: true })
    return [path, ino, ctimeNs, mtimeNs, size, mode].join(' ')
  })
}

interface Left {
  readonly tree: string[]
  readonly marks: string[]
  readonly status: string
  readonly log: string
}

async function leftIn(place: Place): Promise<Left> {
  const copy = copyOut(place, DIR)
  await git(copy, 'fsck', '--full', '--strict')
  return {
    tree: treeOf(place, DIR, { times: true }),
    marks: marks(place),
    status: await git(copy, 'status', '--porcelain', '--untracked-files=all'),
    log: await git(copy, 'log', '--stat', '--pretty=fuller', 'topic'),
  }
}

const kept = suite('consumers: a repository comes back as it was left')

async function tests(): Promise<void> {
  const source = temporary()
  fs.mkdirSync(join(source, DIR))
  await seed(join(source, DIR))
  const store = new MemoryStore()
  const { image } = await buildImage(source, { store, xattrs: 'none' })
  const upper = join(temporary(), 'upper')

  const first = await mount(image, { store, upper })
  await work(fsOf(first))
  const left = await leftIn(placeOf(first))
  const snapshot = first.snapshot()
  const committed = await first.commit()
  first.unmount()

  const again: Readonly<Record<string, () => Promise<Mount>>> = {
    'over the same upper directory': () => mount(image, { store, upper }),
    'from a snapshot': () => mount(image, { store, snapshot }),
    'from the image of a commit': () => mount(committed.image, { store, writable: true }),
  }
  for (const [name, open] of Object.entries(again)) {
    kept(name, async () => {
      const mounted = await open()
      const place = placeOf(mounted)
      const found = await leftIn(place)
      sameLines(found.tree, left.tree, 'tree')
      // An image of its own has inode numbers of its own, and no change times.
      if (!name.includes('commit')) sameLines(found.marks, left.marks, 'marks')
      assert.is(found.status, left.status)
      assert.is(found.log, left.log)
      const matrix = await iso.statusMatrix({ fs: place.fs, dir: DIR, cache: {} })
      const changed = matrix.filter(([, ...where]) => where.join('') !== '111').map(([path]) => path)
      assert.equal(changed.sort(), [...changesOf(left.status)].sort())
      mounted.unmount()
    })
  }
}

/** Paths that git calls changed; a mode alone is nothing to statusMatrix. */
function changesOf(status: string): string[] {
  const lines = status.trimEnd().split('\n')
  return lines.map(line => line.slice(3)).filter(path => path !== 'part2/file7')
}

const reason = lacking()
if (reason !== undefined) skip(kept, 'git', reason)
else await tests()
kept.run()
