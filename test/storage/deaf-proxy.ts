/**
 * A TCP proxy before PostgreSQL that passes everything on but notifications: as if each of them
 * were lost.
 */
import { connect, createServer } from 'node:net'

export interface DeafProxy {
  /** The address of the database, by way of the proxy. */
  address: string
  /** How many notifications were swallowed. */
  swallowed: () => number
  close: () => void
}

const NOTIFICATION = 'A'.charCodeAt(0)

export async function startDeafProxy(address: string): Promise<DeafProxy> {
  const { port, hostname } = new URL(address)
  let swallowed = 0
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname)
    client.pipe(server)
    let rest: Buffer = Buffer.alloc(0)
    // A message is a letter, its length without the letter, and so on; there is no TLS before the
    // servers of the tests.
    server.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 5) {
        const length = 1 + rest.readUInt32BE(1)
        if (rest.length < length) return
        if (rest[0] === NOTIFICATION) swallowed++
        else client.write(rest.subarray(0, length))
        rest = rest.subarray(length)
      }
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = new URL(address)
  url.hostname = '127.0.0.1'
  url.port = String((proxy.address() as { port: number }).port)
  return { address: url.href, swallowed: () => swallowed, close: () => proxy.close() }
}
