// isomorphic-git, unchanged, works in a writable mount: clone, commit, branches, merge, push, over HTTP from a server that
// is git's own. The judge is git: it does the same on disk, to the same commits byte for byte; it finds what was copied out
// of the mount sound; and the server has what was pushed. In a repository that was cloned into an empty directory, in
// one that is part of the image, where copy-up and whiteouts do the work, and in one that two images make up together. The
// store answers late, so that all of it waits for bytes as with a store far away.
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import * as iso from 'isomorphic-git'
import http from 'isomorphic-git/http/node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from '../helpers/paths.js'
import type { NodeFs, Place } from './fixture-image.js'
import { git, lacking, PERSON, startGitServer } from './git-server.js'
import {
  copyOut,
  diskPlace,
  sameLines,
  temporary,
  treeOf,
  type WritablePlace,
  writableLateImage,
} from './writable-place.js'

const FILES = 90

/** A repository with some history, packed: deltas, an executable, a link, names that are not ASCII. */
async function seed(dir: string): Promise<void> {
  await git(dir, 'init', '-q')
  for (let i = 0; i < FILES; i++) {
    fs.mkdirSync(join(dir, `src/part${i % 7}`), { recursive: true })
    const lines = Array.from(
      { length: 20 + i },
      (_, line) => `${i} line ${line} of ${(i * 7919 + line * 104729) % 9973}`,
    )
    fs.writeFileSync(join(dir, `src/part${i % 7}/file${i}.txt`), `${lines.join('\n')}\n`)
  }
  fs.writeFileSync(join(dir, 'run.sh'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
  fs.writeFileSync(join(dir, 'plain.sh'), '#!/bin/sh\nexit 1\n', { mode: 0o644 })
  fs.symlinkSync('src/part0', join(dir, 'link'))
  fs.mkdirSync(join(dir, 'sp ace'))
  fs.writeFileSync(join(dir, 'sp ace/üml.bin'), Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * i) & 255)))
  for (let commit = 0; commit < 4; commit++) {
    for (let i = commit; i < FILES; i += 9) fs.appendFileSync(join(dir, `src/part${i % 7}/file${i}.txt`), `${commit}\n`)
    await git(dir, 'add', '-A')
    await git(dir, 'commit', '-qm', `commit ${commit}`)
  }
  await git(dir, 'tag', 'v1')
}

type Edit = (fs: NodeFs['promises'], dir: string) => Promise<void>

/** By promises, since that is all that a store far away can serve. */
const EDITS: Readonly<Record<string, Edit>> = {
  'new, changed, gone, renamed': async (fs, dir) => {
    await fs.mkdir(`${dir}/new/deep`, { recursive: true })
    await fs.writeFile(`${dir}/new/deep/file.txt`, 'new\n')
    await fs.appendFile(`${dir}/src/part3/file3.txt`, 'appended\n')
    await fs.truncate(`${dir}/src/part4/file4.txt`, 11)
    await fs.unlink(`${dir}/src/part5/file5.txt`)
    await fs.rename(`${dir}/src/part6/file6.txt`, `${dir}/src/moved.txt`)
    await fs.rename(`${dir}/src/part1`, `${dir}/src/renamed`)
    await fs.rm(`${dir}/src/part2`, { recursive: true })
    await fs.chmod(`${dir}/plain.sh`, 0o755)
    await fs.symlink('new/deep/file.txt', `${dir}/other-link`)
    await fs.unlink(`${dir}/link`)
    await fs.symlink('src/renamed', `${dir}/link`)
  },
  'on a branch': async (fs, dir) => {
    await fs.mkdir(`${dir}/src/part2`)
    await fs.writeFile(`${dir}/src/part2/file2.txt`, 'made again\n')
    await fs.rm(`${dir}/new`, { recursive: true })
    await fs.unlink(`${dir}/other-link`)
    await fs.chmod(`${dir}/run.sh`, 0o644)
  },
  'on main again': async (fs, dir) => {
    await fs.appendFile(`${dir}/src/renamed/file8.txt`, 'main\n')
    await fs.writeFile(`${dir}/only-main.txt`, 'main\n')
  },
}

/** Files whose mode an edit changes. */
const MODES = ['plain.sh', 'run.sh']

/** What is left uncommitted at the end: in the work tree, and (`staged`) in the index. */
const LEFT: Edit = async (fs, dir) => {
  await fs.writeFile(`${dir}/staged.txt`, 'staged\n')
  await fs.appendFile(`${dir}/src/renamed/file15.txt`, 'changed\n')
  await fs.unlink(`${dir}/src/part0/file0.txt`)
  await fs.writeFile(`${dir}/untracked.txt`, 'untracked\n')
}

/** One who does the steps; all take the same way to the same commits. */
interface Worker {
  commit(edit: string): Promise<void>
  branch(name: string): Promise<void>
  checkout(name: string): Promise<void>
  merge(name: string): Promise<void>
  stage(path: string): Promise<void>
  push(): Promise<void>
}

function byGit(dir: string): Worker {
  const run = async (...args: string[]) => {
    await git(dir, ...args)
  }
  return {
    async commit(edit) {
      await EDITS[edit](fs.promises, dir)
      await run('add', '-A')
      await run('commit', '-qm', edit)
    },
    branch: name => run('checkout', '-q', '-b', name),
    checkout: name => run('checkout', '-q', name),
    merge: name => run('merge', '-q', '--no-ff', '-m', `merge ${name}`, name),
    stage: path => run('add', path),
    push: () => run('push', '-q', 'origin', 'main', 'feature'),
  }
}

function byIsomorphicGit(fs: NodeFs, dir: string): Worker {
  const at = { fs, dir, cache: {} }
  const person = { author: PERSON, committer: PERSON }
  return {
    async commit(edit) {
      await EDITS[edit](fs.promises, dir)
      for (const [filepath, , work, stage] of await iso.statusMatrix(at)) {
        if (work === 0 && stage !== 0) await iso.remove({ ...at, filepath })
        else if (work !== stage) await iso.add({ ...at, filepath })
      }
      // A change of mode alone is nothing that statusMatrix tells, on disk neither.
      for (const filepath of MODES) await iso.add({ ...at, filepath })
      await iso.commit({ ...at, ...person, message: edit })
    },
    branch: name => iso.branch({ ...at, ref: name, checkout: true }),
    checkout: name => iso.checkout({ ...at, ref: name }),
    async merge(name) {
      await iso.merge({ ...at, ...person, ours: 'main', theirs: name, message: `merge ${name}` })
      await iso.checkout({ ...at, ref: 'main' })
    },
    stage: path => iso.add({ ...at, filepath: path }),
    async push() {
      for (const ref of ['main', 'feature']) {
        const { ok, error } = await iso.push({ ...at, http, remote: 'origin', ref })
        assert.ok(ok, String(error))
      }
    },
  }
}

const ROUNDS = 2

async function work(worker: Worker, tree: () => string[]): Promise<string[][]> {
  await worker.commit('new, changed, gone, renamed')
  await worker.branch('feature')
  await worker.commit('on a branch')
  await worker.checkout('main')
  await worker.commit('on main again')
  const trees: string[][] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ['feature', 'main']) {
      await worker.checkout(name)
      trees.push(tree())
    }
  }
  await worker.merge('feature')
  trees.push(tree())
  return trees
}

/** The work tree; who may read what in `.git` is no matter here. */
const workTree = (place: Place, path: string) => treeOf(place, path).filter(line => !/^\/\.git[ /]/.test(line))

/** Directories are not git's; that isomorphic-git leaves some empty, it does on disk as well. */
const withoutDirectories = (tree: readonly string[]) => tree.filter(line => !/ 40\d+ - $/.test(line))

const NAMES = ['git', 'disk', 'cloned', 'lower', 'stacked'] as const

/** The places of ours. */
type Name = 'cloned' | 'lower' | 'stacked'

/** What the judges have come to. */
interface Judgement {
  /** Where the server is, and where its repositories are. */
  readonly url: string
  readonly root: string
  close(): void
  /** The work tree of git's, and what it was after each step. */
  readonly byGit: string
  readonly trees: readonly string[][]
  readonly index: string
  /** What isomorphic-git on disk made of the same. */
  readonly diskTrees: readonly string[][]
}

/** The server; and all steps by git on disk, and by isomorphic-git on disk. */
async function judge(): Promise<Judgement> {
  const [root, seeded, gits, disk] = [temporary(), temporary(), temporary(), temporary()]
  await seed(seeded)
  for (const name of NAMES) {
    await git(root, 'clone', '-q', '--bare', seeded, `${name}.git`)
    await git(`${root}/${name}.git`, 'config', 'http.receivepack', 'true')
  }
  const { url, close } = await startGitServer(root)
  await git(gits, 'clone', '-q', `${url}/git.git`, '.')
  await git(disk, 'clone', '-q', `${url}/disk.git`, '.')
  const worker = byGit(gits)
  const trees = await work(worker, () => workTree(diskPlace(gits), ''))
  const diskTrees = await work(byIsomorphicGit(fs, disk), () => workTree(diskPlace(disk), ''))
  await worker.push()
  const index = await git(gits, 'ls-files', '-s')
  await LEFT(fs.promises, gits)
  await worker.stage('staged.txt')
  return { url, close, root, byGit: gits, trees, index, diskTrees }
}

const writing = suite('consumers: isomorphic-git in a writable mount, and git on disk')
const REFS = ['for-each-ref', '--format=%(refname) %(objectname)']
const LOG = ['log', '--stat', '--pretty=fuller', 'main', 'feature']

function commitTests(name: Name, place: WritablePlace, judgement: Judgement): void {
  const at = { fs: place.fs, dir: '/work', cache: {} }
  const { url, trees, diskTrees } = judgement

  writing(`${name}: begins with the tree that git clones`, async () => {
    if (name === 'cloned') {
      await iso.clone({ ...at, http, url: `${url}/cloned.git` })
      // What it writes there is false.
      await iso.setConfig({ ...at, path: 'core.filemode', value: true })
    }
    const first = temporary()
    await git(first, 'clone', '-q', `${url}/${name}.git`, '.')
    const tree = place.glance(() => workTree(place, '/work'))
    sameLines(tree, workTree(diskPlace(first), ''), 'tree')
  })
  if (name !== 'cloned') {
    writing(`${name}: its bytes come late`, () => {
      assert.throws(
        () => place.fs.readFileSync('/work/src/part3/file10.txt'),
        (error: NodeJS.ErrnoException) => error.code === 'EAGAIN',
      )
    })
  }
  writing(`${name}: commits, branches, checkouts, merge: the work tree is the judges' after each`, async () => {
    const tree = () => place.glance(() => workTree(place, '/work'))
    const ours = await work(byIsomorphicGit(place.fs, '/work'), tree)
    assert.is(ours.length, trees.length)
    for (const [step, tree] of ours.entries()) {
      sameLines(tree, diskTrees[step], `step ${step}, isomorphic-git on disk`)
      sameLines(withoutDirectories(tree), withoutDirectories(trees[step]), `step ${step}, git`)
    }
  })
  writing(`${name}: the same commits, and nothing left to do`, async () => {
    for (const ref of ['main', 'feature', 'HEAD'])
      assert.is(await iso.resolveRef({ ...at, ref }), (await git(judgement.byGit, 'rev-parse', ref)).trim(), ref)
    const matrix = await iso.statusMatrix(at)
    const changed = matrix.filter(([, head, inWork, stage]) => head !== 1 || inWork !== 1 || stage !== 1)
    assert.equal(changed, [])
    assert.ok(matrix.length > FILES / 2)
  })
}

function judgedTests(name: Name, place: WritablePlace, { root, byGit, index }: Judgement): void {
  const at = { fs: place.fs, dir: '/work', cache: {} }
  const worker = byIsomorphicGit(place.fs, '/work')

  writing(`${name}: git finds the copy of the repository sound`, async () => {
    const copy = place.glance(() => copyOut(place, '/work'))
    await git(copy, 'fsck', '--full', '--strict')
    assert.is(await git(copy, 'status', '--porcelain'), '')
    sameLines((await git(copy, ...LOG)).split('\n'), (await git(byGit, ...LOG)).split('\n'), 'log')
    sameLines((await git(copy, 'ls-files', '-s')).split('\n'), index.split('\n'), 'index')
  })
  writing(`${name}: what is pushed arrives`, async () => {
    await worker.push()
    await git(`${root}/${name}.git`, 'fsck', '--full', '--strict')
    assert.is(await git(`${root}/${name}.git`, ...REFS), await git(`${root}/git.git`, ...REFS))
  })
  writing(`${name}: what is not committed is what git says`, async () => {
    await LEFT(place.fs.promises, '/work')
    await worker.stage('staged.txt')
    const copy = place.glance(() => copyOut(place, '/work'))
    const status = await git(copy, 'status', '--porcelain')
    assert.is(status, await git(byGit, 'status', '--porcelain'))
    const matrix = await iso.statusMatrix(at)
    const changed = matrix.filter(([, head, inWork, stage]) => `${head}${inWork}${stage}` !== '111')
    const told = status.trimEnd().split('\n')
    assert.equal(changed.map(([path]) => path).sort(), told.map(line => line.slice(3)).sort())
  })
}

/** Of a repository, some goes to an image above; a file of another version stays below it. */
function split(bottom: string, top: string): void {
  const moved = ['.git/index', '.git/refs', 'src/part1', 'src/part2/file2.txt', 'src/part3/file3.txt', 'run.sh', 'link']
  for (const path of moved) {
    fs.mkdirSync(dirname(join(top, path)), { recursive: true })
    fs.renameSync(join(bottom, path), join(top, path))
  }
  fs.writeFileSync(join(bottom, 'run.sh'), 'hidden\n')
  fs.writeFileSync(join(bottom, 'src/part3/file3.txt'), 'hidden\n')
}

function tests(name: Name, place: WritablePlace, judgement: Judgement): void {
  commitTests(name, place, judgement)
  judgedTests(name, place, judgement)
}

const reason = lacking()
if (reason !== undefined) skip(writing, 'git', reason)
else {
  const judgement = await judge()
  const empty = temporary()
  fs.mkdirSync(join(empty, 'work'))
  tests('cloned', await writableLateImage(empty), judgement)

  const lower = temporary()
  await git(lower, 'clone', '-q', `${judgement.url}/lower.git`, 'work')
  tests('lower', await writableLateImage(lower), judgement)

  const [top, bottom] = [temporary(), temporary()]
  await git(bottom, 'clone', '-q', `${judgement.url}/stacked.git`, 'work')
  split(join(bottom, 'work'), join(top, 'work'))
  tests('stacked', await writableLateImage(top, bottom), judgement)

  writing('the server ends', () => judgement.close())
}
writing.run()
