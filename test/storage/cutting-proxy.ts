/**
 * A TCP proxy before PostgreSQL that cuts a connection when COMMIT goes by, before or after
 * PostgreSQL got it.
 */
import { connect, createServer, type Socket } from 'node:net'

export interface Proxy {
  /** The address of the database, by way of the proxy. */
  address: string
  /** Cuts the next connection that commits; with `andStayAway`, nobody is let in afterwards. */
  cutCommit: (when: 'before' | 'after', options?: { andStayAway?: boolean }) => void
  /** Cuts every connection now, and lets nobody in. */
  leave: () => void
  comeBack: () => void
  /** Passes nothing on any more, and closes nothing. */
  stall: () => void
  resume: () => void
  close: () => void
}

export async function startProxy(address: string): Promise<Proxy> {
  const { port, hostname } = new URL(address)
  let plan: { when: 'before' | 'after'; andStayAway: boolean } | null = null
  let away = false
  let isStalled = false
  const sockets = new Set<Socket>()

  const proxy = createServer((client) => {
    if (away) return void client.destroy()
    const server = connect(Number(port), hostname)
    if (isStalled) client.pause()
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    let cutAtAnswer = false
    client.on('data', (chunk: Buffer) => {
      if (plan && isCommit(chunk)) {
        const { when, andStayAway } = plan
        plan = null
        away = andStayAway
        if (when === 'before') {
          client.destroy()
          return void server.destroy()
        }
        cutAtAnswer = true
      }
      server.write(chunk)
    })
    server.on('data', (chunk: Buffer) => {
      if (!cutAtAnswer) return void client.write(chunk)
      // Committed: the answer is dropped, and with it every connection if all are to go.
      client.destroy()
      server.destroy()
      if (away) for (const socket of sockets) socket.destroy()
    })
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = new URL(address)
  url.port = String((proxy.address() as { port: number }).port)
  url.hostname = '127.0.0.1'
  return {
    address: url.href,
    cutCommit: (when, { andStayAway = false } = {}) => (plan = { when, andStayAway }),
    leave() {
      away = true
      for (const socket of sockets) socket.destroy()
    },
    comeBack: () => (away = false),
    stall() {
      isStalled = true
      for (const socket of sockets) socket.pause()
    },
    resume() {
      isStalled = false
      for (const socket of sockets) socket.resume()
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    },
  }
}

/** A simple query whose last statement is `commit`. */
const isCommit = (chunk: Buffer) => chunk.includes('; commit\0')
