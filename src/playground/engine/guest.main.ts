// The worker that programs of images run in: it alone hangs where a program does not end, and is ended then. Not here: how they are
// run (program-guest.ts).

import { ProgramGuest } from './program-guest.js'
import type { ToGuest } from './program-protocol.js'

const { postMessage } = globalThis as unknown as Pick<Worker, 'postMessage'>
const guest = new ProgramGuest((message, transfer) => postMessage(message, transfer))
globalThis.addEventListener('message', event => void guest.take(event.data as ToGuest))
