// Progress of long work: a bar on a terminal, nothing in a pipe. The bar is cli-progress's (MIT, no dependency but one);
// it is loaded only where there is a terminal to draw on.

export interface Progress {
  step(): void
  stop(): void
}

/** Of work that goes by files and bytes. */
export interface ByteProgress {
  /** Is there anyone to see it? If not, a total need not be found out. */
  readonly shown: boolean
  /** There is this much more to do. */
  expect(files: number, bytes: number): void
  /** This much more is done. */
  add(files: number, bytes: number): void
  stop(): void
}

const SILENT: Progress = { step() {}, stop() {} }
const SILENT_BYTES: ByteProgress = { shown: false, expect() {}, add() {}, stop() {} }
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** A bar on standard error, cleared when it stops. */
async function bar(format: string) {
  const { SingleBar, Presets } = await import('cli-progress')
  return new SingleBar({ format, stream: process.stderr, clearOnComplete: true }, Presets.shades_classic)
}

/** A bar of `total` steps on standard error. */
export async function startProgress(what: string, total: number): Promise<Progress> {
  if (!process.stderr.isTTY || total === 0) return SILENT
  const steps = await bar(`${what} {bar} {value}/{total} {percentage}%`)
  steps.start(total, 0)
  return { step: () => steps.increment(), stop: () => steps.stop() }
}

/** Bytes in the unit that suits them. */
export function byteText(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10))
  return unit === 0 ? `${bytes} B` : `${(bytes / 1024 ** unit).toFixed(1)} ${UNITS[unit]}`
}

/** A bar on standard error that goes by bytes and shows files too; what there is to do may become known little by little. */
export async function startByteProgress(what: string): Promise<ByteProgress> {
  if (!process.stderr.isTTY) return SILENT_BYTES
  const bytesBar = await bar(`${what} {bar} {percentage}% {bytes}, {files} files`)
  const done = { files: 0, bytes: 0 }
  const all = { files: 0, bytes: 0 }
  const texts = () => ({
    bytes: `${byteText(done.bytes)} of ${byteText(all.bytes)}`,
    files: `${done.files} of ${all.files}`,
  })
  bytesBar.start(0, 0, texts())
  return {
    shown: true,
    expect(files, bytes) {
      all.files += files
      all.bytes += bytes
      bytesBar.setTotal(all.bytes)
    },
    add(files, bytes) {
      done.files += files
      done.bytes += bytes
      bytesBar.update(done.bytes, texts())
    },
    stop: () => bytesBar.stop(),
  }
}
