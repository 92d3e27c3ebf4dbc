// Verification and the tamper demo in Node: what is wrong with a store is found, a changed byte is noticed by who should notice it, and
// nothing that was given is changed.
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Tamper } from '../../src/playground/engine/tamper.js'
import { Verify } from '../../src/playground/engine/verify.js'
import type { TamperReport, VerifyState } from '../../src/playground/reports.js'
import { command } from '../helpers/command.js'
import { fixture } from '../helpers/paths.js'
import { demo, dumpedObjects, EngineWorld, temporaryFolder } from './engine-world.js'

const folder = await demo()
const two = join(folder, 'two.cfs')
const objects = join(folder, 'objects')

async function ended(verify: Verify, id: number): Promise<VerifyState> {
  for (;;) {
    const state = verify.state(id)
    if (state !== undefined && ['done', 'failed', 'cancelled'].includes(state.stage)) return state
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

async function verified(file: string, options: Parameters<EngineWorld['open']>[1] = {}) {
  const world = new EngineWorld()
  const { id } = await world.open(file, options)
  const verify = new Verify(world.documents, world.maps)
  verify.start(id)
  const state = await ended(verify, id)
  return { state, findings: verify.findings(id, 0, 100) }
}

const verifying = suite('verify')
for (const lazy of [false, true]) {
  verifying(`all is well ${lazy ? 'lazily' : 'in memory'}, and the sums are those of composefs verify`, async () => {
    const { state, findings } = await verified(two, { lazy, store: objects })
    const said = JSON.parse(command('composefs', 'verify', '--json', '--basedir', objects, two).stdout.toString())
    assert.equal(findings, [])
    assert.is(state.stage, 'done')
    assert.is(state.measured, said.digest)
    assert.is(state.entries, said.entries)
    assert.is(state.objectsDone, said.objectsRead)
    assert.is(state.bytesDone, said.objectBytes)
  })
}

verifying('missing, cut and changed objects are told apart', async () => {
  const store = join(temporaryFolder(), 'objects')
  cpSync(objects, store, { recursive: true })
  const [missing, cut, changed] = [...dumpedObjects(two)].filter(([, size]) => size > 100).map(([name]) => name)
  rmSync(join(store, missing))
  truncateSync(join(store, cut), 50)
  const bytes = readFileSync(join(store, changed))
  bytes[7] ^= 1
  writeFileSync(join(store, changed), bytes)
  const { state, findings } = await verified(two, { store })
  assert.is(state.stage, 'done')
  const found = Object.fromEntries(findings.map(one => [one.object, one.kind]))
  assert.equal(found, { [missing]: 'missing', [cut]: 'size', [changed]: 'digest' })
  const wrong = findings.find(one => one.kind === 'digest')
  assert.is(wrong?.expected, changed.replace('/', ''))
  assert.is(wrong?.actual, command('composefs-info', 'measure-file', join(store, changed)).stdout.toString().trim())
})

verifying('without a store objects are counted and not looked at', async () => {
  const { state } = await verified(two)
  assert.is(state.stage, 'done')
  assert.is(state.objects, dumpedObjects(two).size)
  assert.is(state.objectsDone, 0)
  assert.is(state.store, undefined)
})

verifying('can be cancelled, and begun again', async () => {
  const world = new EngineWorld()
  const { id } = await world.open(two, { store: objects })
  const verify = new Verify(world.documents, world.maps)
  verify.start(id)
  verify.cancel(id)
  assert.is((await ended(verify, id)).stage, 'cancelled')
  verify.start(id)
  assert.is((await ended(verify, id)).stage, 'done')
})
verifying.run()

const tampering = suite('tamper')

async function tamperer(file: string, store?: string) {
  const world = new EngineWorld()
  const { id } = await world.open(file, { store, lazy: false })
  const tamper = new Tamper(world.documents, world.maps, world.jobs)
  return { world, id, tamper }
}

function outcomes({ defences }: TamperReport): string[] {
  return defences.map(one => one.outcome)
}

tampering('whatever byte of an image is changed, its digest tells, and the image stays as it is', async () => {
  const file = fixture('small.cfs')
  const { world, id, tamper } = await tamperer(file)
  const size = readFileSync(file).length
  const digest = command('composefs-info', 'measure-file', file).stdout.toString().trim()
  const seen = new Set<string>()
  for (let i = 0; i < 60; i++) {
    const offset = Math.floor((i * size) / 60)
    const report = await tamper.run(id, { target: 'image', offset, path: '/' })
    assert.is(report.offset, offset)
    const [first, structure, tree] = report.defences
    assert.is(first.outcome, 'noticed')
    assert.is(first.expected, digest)
    assert.is.not(first.actual, digest)
    const at = offset - report.windowStart
    assert.equal(
      report.before.map((byte, k) => (k === at ? report.after[k] : byte)),
      report.after,
    )
    assert.is.not(report.before[at], report.after[at])
    assert.is(tree.outcome === 'not asked', structure.outcome === 'noticed')
    seen.add(`${structure.outcome} ${tree.outcome}`)
  }
  assert.ok(seen.size > 1, 'offsets with different ends')
  assert.is(world.documents.get(id).image.digest(), digest)
})

tampering('a changed object is noticed at its first read, and passes with verity off', async () => {
  const { world, id, tamper } = await tamperer(two, objects)
  const report = await tamper.run(id, { target: 'object', path: '/etc/passwd', offset: 3 })
  assert.is(report.path, '/etc/passwd')
  assert.equal(outcomes(report), ['passed', 'noticed', 'passed'])
  assert.is(report.defences[1].expected, report.label.replace('/', ''))
  assert.match(report.defences[1].text, new RegExp(report.defences[1].actual ?? 'no digest'))
  const intact = readFileSync(join(objects, report.label))
  assert.is(intact[3], report.before[3])
  const read = async (checked: boolean) => {
    const { id: copy, name } = await tamper.open(checked)
    assert.is(name, 'two.cfs (tampered)')
    return world.documents.get(copy).mount.fs.promises.readFile('/etc/passwd')
  }
  const wrong = Buffer.from(await read(false))
  assert.is(wrong[3], report.after[3])
  wrong[3] = report.before[3]
  assert.ok(wrong.equals(intact))
  const refused = await read(true).then(
    () => undefined,
    error => error.code,
  )
  assert.is(refused, 'EIO')
})

tampering('a changed tree is not believed, and the file reads right', async () => {
  const { id, tamper } = await tamperer(two, objects)
  const report = await tamper.run(id, { target: 'tree', path: '/', offset: 5 })
  assert.match(report.label, /\.verity$/)
  assert.equal(outcomes(report), ['passed', 'noticed', 'noticed'])
})

tampering('what can’t be done is said in plain words', async () => {
  const { id, tamper } = await tamperer(two)
  const said = (request: Parameters<Tamper['run']>[1]) =>
    tamper.run(id, request).then(
      () => 'done',
      error => (error as Error).message,
    )
  assert.match(await said({ target: 'object', path: '/' }), /has no store/)
  assert.match(await said({ target: 'image', path: '/', offset: 1e12 }), /no such byte/)
  assert.match(await said({ target: 'image', path: '/', offset: Number.NaN }), /no such byte/)
})
tampering.run()
