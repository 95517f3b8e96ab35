/**
 * Servers as processes of their own, load on them over loopback, and what it costs them in CPU
 * time.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'

export interface Server {
  port: number
  pid: number
  /** Seconds from the start of the process until it listened. */
  started: number
  /** CPU time of the process so far, all threads, user and system, in microseconds. */
  cpu: () => number
  /** Resident memory in MB. */
  memory: () => number
  stop: () => Promise<void>
}

/**
 * Starts Bun with these arguments; what it prints goes to `output`, and names the port it listens
 * on.
 */
export async function startServer(
  args: string[],
  environment: Record<string, string>,
  output: string,
): Promise<Server> {
  if (process.platform !== 'linux') throw new Error('The benchmarks read CPU time from /proc, so they need Linux.')
  const began = performance.now()
  const file = openSync(output, 'w', 0o600)
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', file, 'inherit'],
    env: { ...process.env, ...environment },
  })
  closeSync(file)
  const port = await listening(child, output)
  return watched(child, port, performance.now() - began)
}

/** Starts another program, which listens on that port as soon as it answers there. */
export async function startProgram(command: string[], port: number): Promise<Server> {
  const began = performance.now()
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] })
  while (!(await fetch(`http://127.0.0.1:${port}/`).catch(() => null))) {
    if (child.exitCode !== null) throw new Error(`${command.join(' ')} ended with ${child.exitCode}.`)
    await Bun.sleep(10)
  }
  return watched(child, port, performance.now() - began)
}

function watched(child: ChildProcess, port: number, started: number): Server {
  const proc = `/proc/${child.pid}`
  return {
    port,
    pid: child.pid!,
    started,
    cpu: threadsOf(`${proc}/task`),
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${proc}/status`, 'utf8'))![1]) / 1024,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

/**
 * The CPU time of all threads, by the scheduler's clock of nanoseconds. The kernel's sum for a
 * process comes in ticks of 10 ms, as long as a hundred requests take.
 */
function threadsOf(folder: string) {
  /** Also of threads that have ended. */
  const nanoseconds = new Map<string, number>()
  return () => {
    for (const thread of readdirSync(folder))
      try {
        const [used] = readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ')
        nanoseconds.set(thread, Number(used))
      } catch {
        // It has ended since the folder was read.
      }
    let sum = 0
    for (const used of nanoseconds.values()) sum += used
    return sum / 1000
  }
}

async function listening(child: ChildProcess, output: string) {
  for (;;) {
    const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(output, 'utf8'))?.[1]
    if (port) return Number(port)
    if (child.exitCode !== null) throw new Error(`The server did not start: ${readFileSync(output, 'utf8')}`)
    await Bun.sleep(2)
  }
}

export interface Cost {
  /** CPU time of the server per request. */
  microseconds: number
  /** Answers in a second, with the load on the same machine. */
  rate: number
}

const CONNECTIONS = 8

/**
 * Sends these requests over keep-alive connections, and answers what one cost the server. Throws
 * when an answer has another status.
 */
export async function cost(server: Server, requests: readonly string[], times: number, status = 200): Promise<Cost> {
  const cpu = server.cpu()
  const began = performance.now()
  await exchange(server.port, requests, times, status)
  const seconds = (performance.now() - began) / 1000
  return { microseconds: (server.cpu() - cpu) / times, rate: times / seconds }
}

/** How a chunked answer ends. */
const LAST_CHUNK = '0\r\n\r\n'

/** Enough of an HTTP client to keep a server busy with what Bun.serve answers. */
function exchange(port: number, requests: readonly string[], times: number, status: number) {
  let sent = 0
  let answered = 0
  return new Promise<void>((resolve, reject) => {
    for (let n = 0; n < CONNECTIONS; n++) {
      let missing = 0
      let isDone = false
      let head = ''
      /** The last bytes of a chunked answer so far: its end can come in two pieces. */
      let tail = ''
      const ask = (socket: Bun.Socket) => {
        isDone = sent >= times
        if (isDone) socket.end()
        else socket.write(requests[sent++ % requests.length]!)
      }
      Bun.connect({
        hostname: '127.0.0.1',
        port,
        socket: {
          open: ask,
          data(socket, bytes) {
            if (missing === Infinity) {
              tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - 5))).slice(-5)
              if (tail === LAST_CHUNK) missing = 0
            } else if (missing > 0) missing -= bytes.length
            else {
              const text = (head += bytes.toString('latin1'))
              const end = text.indexOf('\r\n\r\n')
              if (end < 0) return
              head = ''
              const length = /content-length: (\d+)/i.exec(text)?.[1]
              const isChunked = /transfer-encoding: chunked/i.test(text)
              if (!(length || isChunked) || !text.startsWith(`HTTP/1.1 ${status}`))
                return reject(new Error(`unexpected answer: ${text}`))
              tail = text.slice(end + 4).slice(-5)
              missing = length ? Number(length) - (text.length - end - 4) : tail === LAST_CHUNK ? 0 : Infinity
            }
            if (missing > 0) return
            if (++answered === times) resolve()
            ask(socket)
          },
          error: (_, error) => reject(error),
          close() {
            if (!isDone) reject(new Error('the server closed a connection before it had answered'))
          },
        },
      }).catch(reject)
    }
  })
}

/** The bytes of a GET as an SDK would send it. */
export const get = (path: string, key: string) =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nAccept: application/json\r\nUser-Agent: keyhall-bench\r\n\r\n`

export const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
