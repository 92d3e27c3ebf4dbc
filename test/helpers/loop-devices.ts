// Loop devices for what a mount takes as further devices; they go away with the process, however it ends (SIGKILL apart).
// For root alone. `mount -o loop` sees to the first one by itself (kernel.ts).
import { execFileSync, spawnSync } from 'node:child_process'

export class LoopDevices {
  readonly #attached = new Set<string>()

  constructor() {
    process.on('exit', () => this.dispose())
  }

  /** The device's path. */
  attach(file: string): string {
    const device = execFileSync('losetup', ['--find', '--show', '--read-only', file], { encoding: 'utf8' }).trim()
    this.#attached.add(device)
    return device
  }

  detach(device: string): void {
    if (this.#attached.delete(device)) spawnSync('losetup', ['--detach', device], { stdio: 'ignore' })
  }

  dispose(): void {
    for (const device of [...this.#attached]) this.detach(device)
  }
}
