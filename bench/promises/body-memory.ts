/** How much memory 500 connections take that each send 1 MiB without a key. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '../load.ts'

const CONNECTIONS = 500
const BYTES = 1024 * 1024
const MOST_MEBIBYTES = 20
/** Where nothing is answered, this long is looked at what is taken. */
const MOST_MILLISECONDS = 20_000
const SETTLES_WITHIN_MILLISECONDS = 1_000

const place = mkdtempSync(join(tmpdir(), 'keyhall-bodies-'))
const main = join(import.meta.dir, '../../main.ts')
const server = await startServer(
  [main, 'serve', '--port', '0', '--database', `sqlite:${place}/keyhall.db`, '--log', 'warn'],
  {},
  join(place, 'out'),
).catch((error: unknown) => {
  rmSync(place, { recursive: true })
  throw error
})
const ask = () => fetch(`http://127.0.0.1:${server.port}/health`).then((answer) => answer.text())
for (let n = 0; n < 200; n++) await ask()
Bun.gc(true)
const before = server.memory()

const sockets: Socket[] = []
let answered = 0
const piece = Buffer.alloc(BYTES - 1, 0x20)
for (let n = 0; n < CONNECTIONS; n++) {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.once('data', () => answered++)
  socket.write(
    `POST /v1/organization/projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${BYTES}\r\n\r\n`,
  )
  socket.write(piece)
  sockets.push(socket)
}
let most = 0
const look = async (isOver: () => boolean, milliseconds: number) => {
  for (const until = performance.now() + milliseconds; !isOver() && performance.now() < until; await Bun.sleep(50))
    most = Math.max(most, server.memory() - before)
}
await look(() => answered === CONNECTIONS, MOST_MILLISECONDS)
await look(() => false, SETTLES_WITHIN_MILLISECONDS)
for (const socket of sockets) socket.destroy()
await server.stop()
rmSync(place, { recursive: true })

const figure = `${CONNECTIONS} connections of 1 MiB without a key: +${most.toFixed(0)} MiB at most, ${answered} answered before their body had ended`
console.log(JSON.stringify({ holds: most < MOST_MEBIBYTES, figure }))
