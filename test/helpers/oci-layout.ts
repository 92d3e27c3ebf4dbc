// OCI images as outside programs read them: a layout on disk of layers given as tars, and its tree unpacked by umoci.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const TYPE = 'application/vnd.oci.image'

/** Writes a layout whose only image, `latest`, has these layers, the lowest first. */
export function writeLayout(directory: string, layers: readonly Uint8Array[]): void {
  const blobs = join(directory, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const blob = (bytes: Uint8Array, mediaType: string) => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const json = (value: object, mediaType: string) => blob(Buffer.from(JSON.stringify(value)), mediaType)
  const tars = layers.map(bytes => blob(bytes, `${TYPE}.layer.v1.tar`))
  const rootfs = { type: 'layers', diff_ids: tars.map(({ digest }) => digest) }
  const config = json({ architecture: 'amd64', os: 'linux', config: {}, rootfs }, `${TYPE}.config.v1+json`)
  const mediaType = `${TYPE}.manifest.v1+json`
  const manifest = json({ schemaVersion: 2, mediaType, config, layers: tars }, mediaType)
  const annotations = { 'org.opencontainers.image.ref.name': 'latest' }
  writeFileSync(
    join(directory, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  )
  writeFileSync(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
}

/** Runs a program that has to succeed. */
export function ran(program: string, args: readonly string[], input?: Uint8Array): Buffer {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, maxBuffer: 1 << 28 })
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(' ')}: ${stdout} ${stderr}`)
  return stdout
}

/** All of a stream. */
export async function collected(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  const reader = stream.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value)
  return Buffer.concat(pieces)
}

/** The tar of a directory as GNU tar makes it. */
export function tarOf(directory: string): Buffer {
  const form = ['--format=pax', '--xattrs', '--xattrs-include=*', '--numeric-owner', '--sort=name']
  return ran('tar', [...form, '-C', directory, '-cf', '-', '.'])
}

/** Unpacks the layers over one another. */
export function unpack(umoci: string, work: string, layers: readonly Uint8Array[]): string {
  writeLayout(join(work, 'layout'), layers)
  const rootfs = join(work, 'rootfs')
  ran(umoci, ['raw', 'unpack', '--image', `${join(work, 'layout')}:latest`, rootfs])
  return rootfs
}
