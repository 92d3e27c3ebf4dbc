// isomorphic-git, unchanged, reads the repository inside an image as it reads the same one on disk by node:fs, and as
// git itself reads it, where there is a git.
import { execFileSync, spawnSync } from 'node:child_process'
import * as git from 'isomorphic-git'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from '../helpers/paths.js'
import { makePlaces, type Place } from './fixture-image.js'

const { image, disk } = makePlaces()
const REFS = ['HEAD', 'main', 'side', 'v3', 'v3-annotated', 'v6', 'origin/main', 'refs/heads/side', 'no-such-ref']

/** Nothing is written to the index, as becomes a read-only tree: isomorphic-git's own option. */
const QUIET = { refresh: false }

const repository = ({ fs, root }: Place) => ({ fs, dir: `${root}/repository`, cache: {} })

async function orCode(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    return { code: (error as { code?: string }).code, name: (error as Error).name }
  }
}

async function eachRef(ask: (ref: string) => Promise<unknown>): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {}
  for (const ref of REFS) answers[ref] = await orCode(ask(ref))
  return answers
}

/** Every blob of a commit, by its path; packed and loose objects alike. */
async function blobs(place: Place, ref: string): Promise<unknown[]> {
  const at = repository(place)
  const oid = await git.resolveRef({ ...at, ref })
  const found: unknown[] = []
  for (const filepath of await git.listFiles({ ...at, ref })) {
    const { blob, oid: blobOid } = await git.readBlob({ ...at, oid, filepath })
    found.push([filepath, blobOid, Buffer.from(blob).toString('latin1')])
  }
  return found
}

const QUESTIONS: Readonly<Record<string, (place: Place) => Promise<unknown>>> = {
  'log of every ref': place => eachRef(ref => git.log({ ...repository(place), ref })),
  'log of one file': place => git.log({ ...repository(place), filepath: 'CHANGES', follow: true }),
  'resolveRef and expandRef': place =>
    eachRef(async ref => [
      await git.expandRef({ ...repository(place), ref }),
      await git.resolveRef({ ...repository(place), ref }),
    ]),
  'branches, tags and remotes': async place => [
    await git.listBranches(repository(place)),
    await git.listBranches({ ...repository(place), remote: 'origin' }),
    await git.listTags(repository(place)),
    await git.currentBranch(repository(place)),
  ],
  'the annotated tag': async place => {
    const oid = await git.resolveRef({ ...repository(place), ref: 'v3-annotated' })
    return git.readTag({ ...repository(place), oid })
  },
  'listFiles of the index and of every ref': async place => [
    await git.listFiles(repository(place)),
    await eachRef(ref => git.listFiles({ ...repository(place), ref })),
  ],
  'every blob of HEAD (loose and packed)': place => blobs(place, 'HEAD'),
  'every blob of side (packed)': place => blobs(place, 'side'),
  'statusMatrix against HEAD and against side': async place => [
    await git.statusMatrix({ ...repository(place), ...QUIET }),
    await git.statusMatrix({ ...repository(place), ...QUIET, ref: 'side' }),
  ],
  'status of single files': async place => {
    const paths = ['CHANGES', 'docs/part1/text.md', 'docs/part2/text.md', 'docs/staged.md', 'untracked.txt', 'first']
    return Promise.all(paths.map(filepath => git.status({ ...repository(place), ...QUIET, filepath })))
  },
  'config and findRoot': async place => [
    await git.getConfig({ ...repository(place), path: 'core.bare' }),
    (await git.findRoot({ fs: place.fs, filepath: `${place.root}/repository/docs/part1` })).slice(place.root.length),
  ],
  'a walk over two trees': place =>
    git.walk({
      ...repository(place),
      trees: [git.TREE({ ref: 'side' }), git.TREE({ ref: 'HEAD' }), git.WORKDIR(QUIET)],
      map: async (path, [side, head, work]) => [path, await side?.oid(), await head?.mode(), await work?.type()],
    }),
}

const same = suite('consumers: isomorphic-git on an image and on disk')
for (const [name, ask] of Object.entries(QUESTIONS)) {
  same(name, async () => {
    const theirs = await ask(disk)
    assert.equal(await ask(image), theirs)
    assert.ok(JSON.stringify(theirs).length > 20, JSON.stringify(theirs))
  })
}
same('what it would write is refused', async () => {
  // The index holds the times and inode numbers of the disk that it came from.
  const refused = await orCode(git.statusMatrix(repository(image)))
  assert.is((refused as { code: string }).code, 'EROFS')
})
same.run()

const truth = suite('consumers: isomorphic-git on an image and git itself')

function run(...args: string[]): string {
  return execFileSync('git', ['-c', 'safe.directory=*', '-C', `${disk.root}/repository`, ...args], { encoding: 'utf8' })
}

if (spawnSync('git', ['--version'], { stdio: 'ignore' }).status !== 0) skip(truth, 'git', 'there is no git here')
else {
  truth('log', async () => {
    const log = await git.log(repository(image))
    assert.equal(
      log.map(({ oid }) => oid),
      run('log', '--format=%H').trim().split('\n'),
    )
  })
  truth('files of the index and of a commit', async () => {
    assert.equal(await git.listFiles(repository(image)), run('ls-files').trim().split('\n'))
    const listed = run('ls-tree', '-r', '--format=%(path) %(objectname)', 'HEAD').trim().split('\n')
    const ours = (await blobs(image, 'HEAD')) as string[][]
    assert.equal(
      ours.map(([path, oid]) => `${path} ${oid}`),
      listed,
    )
  })
  truth('what has changed', async () => {
    const changed = run('status', '--porcelain', '--no-renames', '-uall').trimEnd().split('\n')
    const matrix = await git.statusMatrix({ ...repository(image), ...QUIET })
    const ours = matrix.filter(([, head, work, stage]) => !(head === 1 && work === 1 && stage === 1))
    assert.equal(ours.map(([path]) => path).sort(), changed.map(line => line.slice(3)).sort())
  })
}
truth.run()
