// What commands have in common that serve until they are ended: where they listen, and how they end. Not here: what they serve.

import { wrongUsage } from './failure.js'

/** For parseArguments. */
export const LISTEN_OPTIONS = { port: { type: 'string' }, host: { type: 'string' } } as const
const PORT = 8080
const LOCAL = '127.0.0.1'

export interface Listening {
  readonly port: number
  /** Whether the port was asked for; else any other does where it is taken. */
  readonly fixed: boolean
  readonly host: string
}

/** Throws a CommandError for what is no port. */
export function listeningAt(values: { readonly port?: string; readonly host?: string }, help: string): Listening {
  const { port = String(PORT), host = LOCAL } = values
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) throw wrongUsage('--port is a number up to 65535', help)
  return { port: Number(port), fixed: values.port !== undefined, host }
}

/** Resolves when the process is told to end, which does not end it then. */
export function toldToEnd(): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
