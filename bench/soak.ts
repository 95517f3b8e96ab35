/**
 * Two minutes of model requests, a fifth of them streams and a tenth left by their client: what is
 * left behind afterwards.
 */
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { filled } from './filled.ts'
import { gateway, newKey } from './gateway.ts'
import { startServer, type Server } from './load.ts'

const SECONDS = Number(process.argv[3] ?? 120)
const WORKERS = 24
/** After the load: what may still be under way is not counted as left behind. */
const SETTLE_MILLISECONDS = 5_000
/** Connections that are kept alive end by themselves. */
const IDLE_CONNECTIONS_END_MILLISECONDS = 75_000

export async function run() {
  const of = await filled(1_000)
  const models = await startServer([join(import.meta.dir, 'model-server.ts')], {}, join(of.folder, 'models.log'))
  const upstream = `http://127.0.0.1:${models.port}`
  const server = await gateway(of, upstream)
  const key = await newKey(of, server)
  const url = `http://127.0.0.1:${server.port}`

  const look = async (when: string) => {
    const metrics = await (await fetch(`${url}/metrics`)).text()
    const read = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(metrics)?.[1])
    const open = (await (await fetch(`${upstream}/open`)).json()) as number
    console.log(
      `${when.padEnd(16)} ${server.memory().toFixed(0).padStart(5)} MB  ${String(sockets(server)).padStart(4)} sockets  ` +
        `${read('keyhall_open_model_requests')} open requests  ${read('keyhall_open_streams')} open streams  ${open} streams at the upstream`,
    )
  }

  const counts = { whole: 0, streams: 0, left: 0, failed: 0 }
  const until = (seconds: number) => performance.now() + seconds * 1000
  const load = (end: number) =>
    Promise.all(
      Array.from({ length: WORKERS }, async (_, worker) => {
        for (let n = worker; performance.now() < end; n++) await one(url, key, n, counts)
      }),
    )
  await load(until(10))
  await Bun.sleep(SETTLE_MILLISECONDS)
  const before = sockets(server)
  await look('after warming up')
  for (let part = 1; part <= 4; part++) {
    await load(until(SECONDS / 4))
    await look(`after ${((SECONDS / 4) * part).toFixed(0)} s`)
  }
  await Bun.sleep(SETTLE_MILLISECONDS)
  const given = performance.now() + IDLE_CONNECTIONS_END_MILLISECONDS
  while (sockets(server) > before && performance.now() < given) await Bun.sleep(500)
  await look('at rest')
  console.log(
    `${counts.whole} answers, ${counts.streams} streams, ${counts.left} left by the client, ${counts.failed} failed`,
  )
  await server.stop()
  await models.stop()
}

/** Of ten requests two are streams, and of those one is left in the middle. */
async function one(
  url: string,
  key: string,
  n: number,
  counts: Record<'whole' | 'streams' | 'left' | 'failed', number>,
) {
  const leaves = n % 10 === 0
  const streams = leaves || n % 10 === 5
  const controller = new AbortController()
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: leaves ? 'slow' : 'bench', stream: streams, messages: [] }),
      signal: controller.signal,
    })
    if (!response.ok) throw new Error(`answered ${response.status}`)
    if (leaves) {
      const reader = response.body!.getReader()
      await reader.read()
      controller.abort()
      counts.left++
      return
    }
    await response.bytes()
    counts[streams ? 'streams' : 'whole']++
  } catch {
    counts.failed++
  }
}

function sockets({ pid }: Server): number {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(join(folder, fd)).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}
