// Runs in a worker beside test files that have been loaded there: says which tests they have, and runs them one by one.
// Not here: loading them and asking (suite-driver.ts).
import { collectedTests } from './stand-ins/uvu.js'

export interface Answer {
  /** Names of all tests, in answer to nothing. */
  readonly names?: readonly string[]
  /** What went wrong, in answer to an index. */
  readonly failed?: string
}

function told(error: unknown): string {
  const { stack, details, cause } = Object(error) as Error & { details?: string }
  return [stack ?? String(error), details, cause].filter(Boolean).join('\n')
}

async function run(index: number): Promise<Answer> {
  const unhandled: string[] = []
  const note = (event: PromiseRejectionEvent) => unhandled.push(`unhandled: ${told(event.reason)}`)
  addEventListener('unhandledrejection', note)
  try {
    await collectedTests()[index].run()
    // Told of in a turn of its own.
    await new Promise(resolve => setTimeout(resolve))
    return unhandled.length === 0 ? {} : { failed: unhandled.join('\n') }
  } catch (error) {
    return { failed: told(error) }
  } finally {
    removeEventListener('unhandledrejection', note)
  }
}

/** To be called once the files are loaded. */
export function serveTests(): void {
  globalThis.onmessage = async ({ data }: MessageEvent<number>) => postMessage(await run(data))
  postMessage({ names: collectedTests().map(({ name }) => name) })
}
