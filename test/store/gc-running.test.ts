// gc beside builds, as processes that run at full speed, and that are killed.
import { type ChildProcess, fork } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DirectoryStore } from '../../src/store/directory.js'
import { BuildRegister } from '../../src/store/directory-builds.js'
import { GarbageCollector } from '../../src/store/directory-gc.js'
import type { Problem } from '../../src/store/directory-problem.js'
import { DirectorySurvey } from '../../src/store/directory-survey.js'
import { type PoolObject, pathsIn, poolObject, sha512, tick } from '../helpers/object-pool.js'
import { sha256 } from '../helpers/store-hash.js'

/** Two builds share these, so that each finds what the other needs and what it has just given up. */
const POOL = 24
const WANTED = 8
/** How long a reader waits for an object that gc has moved aside for a moment, milliseconds. */
const MOMENT_MS = 5000
const RUN_MS = 4000
const KILLS = 24

interface Role {
  readonly role: 'build' | 'gc'
  readonly root: string
  /** Lists of objects, as images are. */
  readonly images: string
  readonly id: number
}

interface Told {
  readonly rounds: number
  /** Builds: objects that were there already. gc: objects removed. */
  readonly objects: number
  readonly lost: readonly string[]
}

function holds(root: string, { name, data }: PoolObject): boolean {
  const until = Date.now() + MOMENT_MS
  for (;;) {
    try {
      return Buffer.compare(fs.readFileSync(join(root, name)), data) === 0
    } catch {
      if (Date.now() > until) return false
    }
  }
}

function imagesIn(dir: string): Set<string> {
  const needed = new Set<string>()
  for (const name of fs.readdirSync(dir)) {
    if (!name.endsWith('.list')) continue
    try {
      for (const object of fs.readFileSync(join(dir, name), 'utf8').split('\n')) needed.add(object)
    } catch {
      // Given up meanwhile.
    }
  }
  return needed
}

/** Builds one image after the other until it is told to end; the one before is given up first. */
async function build({ root, images, id }: Role, ended: () => boolean): Promise<Told> {
  const store = new DirectoryStore(root)
  const image = join(images, `${id}.list`)
  const lost: string[] = []
  let rounds = 0
  let found = 0
  while (!ended()) {
    fs.rmSync(image, { force: true })
    const register = BuildRegister.begin(root)
    const wanted = Array.from({ length: WANTED }, () => poolObject(Math.floor(Math.random() * POOL)))
    for (const { name, data } of wanted) {
      if (fs.existsSync(join(root, name))) found++
      await store.put(name, data)
    }
    for (const object of wanted) if (!holds(root, object)) lost.push(`${object.name} before the end`)
    fs.writeFileSync(`${image}.new`, wanted.map(({ name }) => name).join('\n'))
    fs.renameSync(`${image}.new`, image)
    register.end()
    for (const object of wanted) if (!holds(root, object)) lost.push(`${object.name} after the end`)
    await new Promise(resolve => setTimeout(resolve, Math.random() * 5))
    for (const object of wanted) if (!holds(root, object)) lost.push(`${object.name} later`)
    rounds++
  }
  return { rounds, objects: found, lost }
}

async function collect({ root, images }: Role, ended: () => boolean): Promise<Told> {
  let rounds = 0
  let removed = 0
  while (!ended()) {
    const collector = GarbageCollector.begin(root)
    removed += collector.collect(imagesIn(images)).removed
    collector.close()
    rounds++
    await new Promise(setImmediate)
  }
  return { rounds, objects: removed, lost: [] }
}

async function child(role: Role): Promise<void> {
  let isOver = false
  process.once('message', () => {
    isOver = true
  })
  process.send?.('begun')
  const told = await (role.role === 'build' ? build : collect)(role, () => isOver)
  process.send?.(told, () => process.disconnect())
}

const running = suite('gc beside running builds')

class Child {
  readonly process: ChildProcess
  readonly begun: Promise<void>
  readonly #told: Promise<Told>

  constructor(role: Role) {
    this.process = fork(fileURLToPath(import.meta.url), {
      env: { ...process.env, STORE_CARE_ROLE: JSON.stringify(role) },
    })
    this.begun = new Promise(resolve => this.process.once('message', () => resolve()))
    this.#told = new Promise((resolve, reject) => {
      this.process.on('message', told => (typeof told === 'object' ? resolve(told as Told) : undefined))
      this.process.once('exit', (code, signal) => reject(new Error(`ended with ${code ?? signal}`)))
    })
    this.#told.catch(() => {})
  }

  end(): Promise<Told> {
    this.process.send('end')
    return this.#told
  }

  async kill(): Promise<void> {
    const gone = new Promise(resolve => this.process.once('exit', resolve))
    this.process.kill('SIGKILL')
    await gone
  }
}

function main(): void {
  const top = fs.mkdtempSync(join(tmpdir(), 'gc-running-'))
  process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))

  const furnished = (name: string): { root: string; images: string } => {
    const [root, images] = ['store', 'images'].map(part => join(top, name, part))
    for (const dir of [root, images]) fs.mkdirSync(dir, { recursive: true })
    return { root, images }
  }

  const problems = (root: string, needed: ReadonlySet<string> | undefined): Problem[] => {
    const found: Problem[] = []
    const sizes = new Map(Array.from({ length: POOL }, (_, i) => [poolObject(i).name, poolObject(i).data.length]))
    const claims =
      needed &&
      new Map([...needed].map(name => [name, [{ size: sizes.get(name) ?? -1, digest: undefined, by: 'image' }]]))
    new DirectorySurvey(root, { sha256, sha512, claims, report: problem => found.push(problem) }).run()
    return found
  }

  running('every object that a build relied on is there, while two gc go on', async () => {
    const places = furnished('run')
    const children = (['build', 'build', 'gc', 'gc'] as const).map((role, id) => new Child({ ...places, role, id }))
    await Promise.all(children.map(({ begun }) => begun))
    await new Promise(resolve => setTimeout(resolve, RUN_MS))
    const told = await Promise.all(children.map(one => one.end()))
    assert.equal(
      told.flatMap(({ lost }) => lost),
      [],
    )
    // Else nothing was tried.
    const [one, other, gcOne, gcOther] = told
    assert.ok(one.rounds > 5 && other.rounds > 5, JSON.stringify(told))
    assert.ok(one.objects + other.objects > 20, 'objects were found there')
    assert.ok(gcOne.objects + gcOther.objects > 20, 'objects were removed')
    await tick()
    const needed = imagesIn(places.images)
    const collector = GarbageCollector.begin(places.root)
    collector.collect(needed)
    collector.close()
    assert.equal(problems(places.root, needed), [])
  })

  running('kill -9 of builds and gc leaves no half-written object, and the next gc cleans', async () => {
    const places = furnished('kill')
    for (let i = 0; i < KILLS; i += 2) {
      const children = (['build', 'gc'] as const).map(role => new Child({ ...places, role, id: i }))
      await Promise.all(children.map(({ begun }) => begun))
      await new Promise(resolve => setTimeout(resolve, Math.random() * 40))
      await Promise.all(children.map(one => one.kill()))
      assert.equal(
        problems(places.root, undefined).filter(({ kind }) => kind !== 'stray'),
        [],
      )
    }
    // Temporary files are left for a day to those that they may belong to.
    for (const name of fs.readdirSync(places.root)) {
      if (name.startsWith('.tmp')) fs.utimesSync(join(places.root, name), 1, 1)
    }
    await tick()
    const needed = imagesIn(places.images)
    const collector = GarbageCollector.begin(places.root)
    const { failures } = collector.collect(needed)
    collector.close()
    assert.equal(failures, [])
    assert.equal(problems(places.root, needed), [])
    assert.equal(
      pathsIn(places.root).filter(path => path.startsWith('.')),
      [],
    )
  })

  running.run()
}

const role = process.env['STORE_CARE_ROLE']
if (role === undefined) main()
else await child(JSON.parse(role))
