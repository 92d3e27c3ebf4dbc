// A TCP link that takes its time: everything that goes through it arrives later, in order, and a new connection takes a
// round trip, as it would on a long line. Bandwidth is not limited.
import { connect, createServer, type Socket } from 'node:net'

export interface Link {
  readonly port: number
  /** Bytes that have gone each way. */
  readonly sent: { up: number; down: number }
  close(): void
}

/** Hands on what `from` gives, `delay` ms later; the first of it `first` ms later still. */
function later(from: Socket, to: Socket, delay: number, first: number, count: (bytes: number) => void): void {
  let due = 0
  const begin = performance.now() + first
  const schedule = (action: () => void): void => {
    due = Math.max(due, begin + delay, performance.now() + delay)
    setTimeout(action, due - performance.now())
  }
  from.on('data', chunk => {
    count(chunk.length)
    schedule(() => to.write(chunk))
  })
  from.on('end', () => schedule(() => to.end()))
  from.on('close', () => schedule(() => to.destroy()))
  from.on('error', () => {})
}

/** Opens a port whose connections lead to another one, with `latency` ms more for each round trip. */
export async function slowLink(target: number, latency: number): Promise<Link> {
  const sockets = new Set<Socket>()
  const sent = { up: 0, down: 0 }
  const server = createServer(near => {
    const far = connect(target, '127.0.0.1')
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
    later(near, far, latency / 2, latency, bytes => {
      sent.up += bytes
    })
    later(far, near, latency / 2, 0, bytes => {
      sent.down += bytes
    })
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  server.unref()
  return {
    port: (server.address() as { port: number }).port,
    sent,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
