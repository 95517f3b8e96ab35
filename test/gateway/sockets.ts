/** A realtime model server for the tests, and ways to open a WebSocket to the gateway. */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { makeCertificates } from '../storage/certificates.ts'
import { until } from './setup.ts'

type Server = Bun.ServerWebSocket<{ path: string }>

export interface RealtimeUpstream {
  url: string
  /** The heads of what it was sent, oldest first. */
  heads: { path: string; headers: Record<string, string> }[]
  /** Its ends of the sockets, oldest first. */
  sockets: Server[]
  /** How they were closed. */
  closed: { code: number; reason: string }[]
  /** What it was sent over them. */
  received: (string | Buffer)[]
  /** What its pings were answered with. */
  pongs: string[]
  /** What it does with a message; echoes by default. */
  onMessage: (socket: Server, message: string | Buffer) => void
  /** What it answers instead of a socket. */
  refuse: (() => Response) | null
  stop: () => Promise<void>
}

export const done = (usage: object) =>
  JSON.stringify({ type: 'response.done', event_id: 'event_1', response: { id: 'resp_1', status: 'completed', usage } })

export function startRealtime(): RealtimeUpstream {
  const server = Bun.serve<{ path: string }>({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request, server) {
      const { pathname, search } = new URL(request.url)
      if (pathname === '/v1/models') return Response.json({ data: [{ id: 'voice' }] })
      one.heads.push({ path: pathname + search, headers: Object.fromEntries(request.headers) })
      if (one.refuse) return one.refuse()
      const offered = request.headers.get('sec-websocket-protocol')?.split(', ') ?? []
      const headers = new Headers(offered.includes('realtime') ? { 'sec-websocket-protocol': 'realtime' } : undefined)
      return server.upgrade(request, { data: { path: pathname }, headers })
        ? undefined
        : new Response('', { status: 400 })
    },
    websocket: {
      maxPayloadLength: 64 * 1024 * 1024,
      open: (socket) => void one.sockets.push(socket),
      message(socket, message) {
        one.received.push(message)
        one.onMessage(socket, message)
      },
      pong: (_, data) => void one.pongs.push(data.toString()),
      close: (_, code, reason) => void one.closed.push({ code, reason }),
    },
  })
  const one: RealtimeUpstream = {
    url: `${server.url}v1`,
    heads: [],
    sockets: [],
    closed: [],
    received: [],
    pongs: [],
    onMessage: (socket, message) => void socket.send(message),
    refuse: null,
    stop: () => server.stop(true),
  }
  return one
}

export interface Opened {
  socket: WebSocket
  /** Messages, oldest first. */
  heard: (string | Buffer)[]
  closed: Promise<{ code: number; reason: string }>
}

/** Opens a WebSocket; throws when it is refused. */
export function open(url: string, key: string | null, protocols: string[] = []): Promise<Opened> {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` }
  const socket = new WebSocket(url.replace('http', 'ws'), { headers, protocols } as never)
  socket.binaryType = 'nodebuffer' as BinaryType
  const heard: Opened['heard'] = []
  socket.addEventListener('message', ({ data }) => heard.push(data as string | Buffer))
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason })),
  )
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve({ socket, heard, closed }))
    socket.addEventListener('error', () => reject(new Error('refused')))
  })
}

/** The head of a request that opens a WebSocket; `change` replaces headers, null takes them out. */
export function head(path: string, key: string, change: Record<string, string | null> = {}) {
  const headers: Record<string, string | null> = {
    host: 'x',
    authorization: `Bearer ${key}`,
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...change,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]))
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Sends bytes as they are, and goes on; resolves when something came back. */
export async function openRaw(port: number, bytes: string) {
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  let isClosed = false
  socket.on('data', (piece) => (heard += piece.toString('latin1')))
  socket.on('error', () => {})
  socket.on('close', () => (isClosed = true))
  socket.write(bytes, 'latin1')
  await until(() => isClosed || heard.includes('\r\n\r\n'))
  return { socket, heard: () => heard, isClosed: () => isClosed }
}

/** The official SDK opens `wss:` only: TLS before a port, as a proxy would have it. */
export async function startTls(port: number) {
  const certificates = makeCertificates('DNS:localhost')
  const { key, certificate: cert } = certificates.tls
  const sockets = new Set<Socket>()
  const server = createTlsServer({ key, cert }, (client) => {
    const onward = connect(port, '127.0.0.1')
    for (const socket of [client, onward]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.pipe(onward).pipe(client)
    client.on('close', () => onward.destroy())
    onward.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    ca: readFileSync(certificates.authority, 'utf8'),
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      certificates.remove()
    },
  }
}
