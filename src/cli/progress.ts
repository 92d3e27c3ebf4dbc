// Progress of long work: a bar on a terminal, nothing in a pipe. The bar is cli-progress's (MIT, no dependency but one);
// it is loaded only where there is a terminal to draw on.

export interface Progress {
  step(): void
  stop(): void
}

const SILENT: Progress = { step() {}, stop() {} }

/** A bar of `total` steps on standard error. */
export async function startProgress(what: string, total: number): Promise<Progress> {
  if (!process.stderr.isTTY || total === 0) return SILENT
  const { SingleBar, Presets } = await import('cli-progress')
  const format = `${what} {bar} {value}/{total} {percentage}%`
  const bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true }, Presets.shades_classic)
  bar.start(total, 0)
  return { step: () => bar.increment(), stop: () => bar.stop() }
}
