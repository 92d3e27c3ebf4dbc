// Processes that fill a cache in a directory are killed at any moment, alone or two at a time on one directory, with a
// slow store that lies now and then. What is there under a name is what the name says, and the next one goes on.
// CACHE_KILLS says how many, CACHE_FIRST from which seed.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { CachedStore } from '../../src/store/cached.js'
import { DirectoryStore } from '../../src/store/directory.js'
import { contentOf, noiseObjects, SlowStore } from '../helpers/cache-slow.js'
import { Dice } from '../helpers/random-layers.js'
import { sha256 } from '../helpers/store-hash.js'

const KILLS = Number(process.env['CACHE_KILLS'] ?? 200)
const FIRST = Number(process.env['CACHE_FIRST'] ?? 1)
const LIVES = 10
const LARGE = 100_000
const SEGMENT = 32_768
/** Less than all objects take, so that they are evicted as well. */
const MAX_BYTES = 350_000

function objectsOf(): Map<string, Uint8Array> {
  return noiseObjects(20, i => (i < 3 ? LARGE + i * 20_000 : (i * i * 7919) % 40_000))
}

function slowOf(objects: ReadonlyMap<string, Uint8Array>): SlowStore {
  const slow = new SlowStore(objects)
  // One of the large ones comes whole.
  for (const [name, bytes] of [...objects].slice(0, 2)) slow.objects.set(`${name}.verity`, merkleTree(bytes, sha256))
  return slow
}

function cacheOf(root: string, slow: SlowStore): CachedStore {
  const fast = new DirectoryStore(root)
  return new CachedStore({ fast, slow, sha256, maxBytes: MAX_BYTES, wholeBytes: LARGE - 1, segmentBytes: SEGMENT })
}

/** The life of a process: reads at random, several at once. */
async function live(root: string, seed: number): Promise<void> {
  const objects = objectsOf()
  const slow = slowOf(objects)
  const dice = new Dice(seed)
  slow.onRead = bytes => (dice.chance(0.1) ? bytes.map(byte => byte ^ 1) : bytes)
  const store = cacheOf(root, slow)
  const names = [...objects.keys()]
  const reader = async () => {
    for (;;) {
      try {
        const object = await store.open(dice.pick(names))
        if (object.size > 0) await object.read(dice.int(object.size), 1 + dice.int(50_000))
        object.close()
      } catch (error) {
        if ((error as { code?: string }).code !== 'EIO') throw error
      }
    }
  }
  await store.open(names[5]).catch(() => {})
  writeSync(1, 'ready\n')
  await Promise.all(Array.from({ length: 6 }, reader))
}

/** Starts one and kills it; sooner than it can begin, now and then. Answers whether it had begun. */
function lived(root: string, seed: number, dice: Dice): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const args = ['--no-warnings', process.argv[1], 'live', root, String(seed)]
    const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const early = dice.chance(0.1)
    const delay = early ? 60 + dice.int(80) : dice.int(dice.chance(0.5) ? 8 : 60)
    const kill = () => void child.kill('SIGKILL')
    if (early) setTimeout(kill, delay)
    let begun = false
    child.stdout?.on('data', () => {
      begun = true
      if (!early) setTimeout(kill, delay)
    })
    let errors = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text))
    child.on('close', (_code, signal) => {
      if (signal === 'SIGKILL') resolve(begun)
      else reject(new Error(`seed ${seed}: ended by itself: ${errors}`))
    })
  })
}

/** fs-verity's digest of up to 128 blocks, in node:crypto's words only. */
function digestOf(bytes: Buffer): string {
  const hash = (data: Buffer) => createHash('sha256').update(data).digest()
  const padded = (data: Buffer) => Buffer.concat([data, Buffer.alloc((4096 - (data.length % 4096)) % 4096)])
  const leaves: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 4096) leaves.push(hash(padded(bytes.subarray(at, at + 4096))))
  assert.ok(leaves.length <= 128)
  const root =
    leaves.length === 0 ? Buffer.alloc(32) : leaves.length === 1 ? leaves[0] : hash(padded(Buffer.concat(leaves)))
  const descriptor = Buffer.alloc(256)
  descriptor.set([1, 1, 12])
  descriptor.writeBigUInt64LE(BigInt(bytes.length), 8)
  descriptor.set(root, 16)
  return hash(descriptor).toString('hex')
}

interface Tally {
  kills: number
  objects: number
  trees: number
  segments: number
  /** Temporary files that were found after a kill. */
  torn: number
  most: number
}

function temporaries(root: string): string[] {
  return existsSync(root) ? readdirSync(root).filter(name => name.startsWith('.tmp')) : []
}

/** Looks at all that lies in the directory. */
function inspect(root: string, objects: ReadonlyMap<string, Uint8Array>, tally: Tally): void {
  let total = 0
  const files = existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }) : []
  for (const name of files) {
    const path = join(root, name)
    if (name.startsWith('.') || !statSync(path).isFile()) continue
    const bytes = readFileSync(path)
    total += bytes.length
    const segment = /^segments\/(..\/\w{31})-(\w{31})-(\d+)-(\d+)-([dt])(\d+)$/.exec(name)
    if (/^[0-9a-f]{2}\/[0-9a-f]{62}$/.test(name)) {
      assert.is(digestOf(bytes), name.replace('/', ''), name)
      tally.objects++
    } else if (name.endsWith('.verity')) {
      const data = objects.get(name.slice(0, -'.verity'.length)) as Uint8Array
      assert.ok(bytes.equals(merkleTree(data, sha256)), name)
      tally.trees++
    } else if (segment !== null) {
      const data = objects.get(segment[1] + segment[2]) as Uint8Array
      assert.is(Number(segment[3]), data.length)
      // The tree is kept as it came: who uses it checks it.
      const at = Number(segment[6]) * SEGMENT
      if (segment[5] === 'd') assert.ok(bytes.equals(data.subarray(at, at + SEGMENT)), name)
      tally.segments++
    } else assert.unreachable(name)
  }
  tally.most = Math.max(tally.most, total)
}

/** Processes one after another, or two at a time, on one directory, each killed. */
async function history(first: number, tally: Tally): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'composefs-cache-kill-'))
  const dice = new Dice(first)
  const objects = objectsOf()
  const together = dice.chance(0.4) ? 2 : 1
  try {
    for (let seed = first; seed < first + LIVES; seed += together) {
      const left = temporaries(root)
      const lives = Array.from({ length: together }, (_, i) => lived(root, seed + i, dice))
      const begun = await Promise.all(lives)
      tally.kills += together
      inspect(root, objects, tally)
      const there = temporaries(root)
      tally.torn += there.length
      if (begun.includes(true))
        assert.equal(
          left.filter(name => there.includes(name)),
          [],
          `seed ${seed}: left behind`,
        )
    }
    const store = cacheOf(root, slowOf(objects))
    await store.usage()
    assert.equal(temporaries(root), [], 'nothing is left behind')
    const registers = readdirSync(root).filter(name => name.startsWith('.build-'))
    assert.is(registers.length, 1, 'our own')
    for (const [name, bytes] of objects) assert.ok(Buffer.from(bytes).equals(await contentOf(store, name)), name)
    const { bytes } = await store.usage()
    assert.ok(bytes <= MAX_BYTES)
    inspect(root, objects, tally)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

const kills = suite('a cache whose processes are killed')

kills(`holds no bad object afterwards (${KILLS} kills)`, async () => {
  const tally: Tally = { kills: 0, objects: 0, trees: 0, segments: 0, torn: 0, most: 0 }
  let next = FIRST
  const run = async () => {
    while (next < FIRST + KILLS) {
      next += LIVES
      await history(next - LIVES, tally)
    }
  }
  await Promise.all([run(), run()])
  const { objects, segments, torn, most } = tally
  console.log(
    `note: ${tally.kills} kills, ${objects} objects and ${segments} segments checked, ${torn} puts torn, ${most} bytes at most`,
  )
  assert.ok(torn > 0 && objects > 0 && segments > 0, 'they were at work')
  // Each process counts for itself.
  assert.ok(most <= 2 * MAX_BYTES, `${most} bytes`)
})

if (process.argv[2] === 'live') await live(process.argv[3], Number(process.argv[4]))
else {
  kills.run()
}
