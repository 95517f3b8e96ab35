/** A forwarded model request: what it costs the server with a hundred thousand keys, beside a Bun.serve that only forwards. */
import { cpus } from 'node:os'
import { join } from 'node:path'
import { filled, type Filled } from './filled.ts'
import { cost, median, startServer, type Server } from './load.ts'

const ROUNDS = 5
const root = join(import.meta.dir, '..')

export async function run() {
  const of = await filled(1_000)
  console.log(`Bun ${Bun.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model}`)
  const models = await startServer([join(import.meta.dir, 'model-server.ts')], {}, join(of.folder, 'models.log'))
  const upstream = `http://127.0.0.1:${models.port}`
  const servers = {
    keyhall: await gateway(of, upstream),
    floor: await startServer(
      [join(import.meta.dir, 'floor-forward.ts')],
      { FLOOR_UPSTREAM: upstream },
      join(of.folder, 'floor.log'),
    ),
  }
  const key = await newKey(of, servers.keyhall)
  console.log('CPU time of the server per request, in microseconds: median of the rounds (least to most)')
  for (const [what, streamed, model, times, warm] of [
    ['an answer of 900 bytes', false, 'bench', 8_000, 30_000],
    ['a stream of 50 events', true, 'bench', 2_000, 12_000],
    ['the same, one by one', true, 'paced', 500, 500],
  ] as const) {
    const seen = { keyhall: [] as number[], floor: [] as number[] }
    const request = completion(key, streamed, model)
    // Until the compiler has done its work, which costs a server in its first seconds a third more.
    for (const name of ['keyhall', 'floor'] as const) await cost(servers[name], [request], warm)
    for (let round = 0; round < ROUNDS; round++)
      for (const name of ['keyhall', 'floor'] as const)
        seen[name].push((await cost(servers[name], [request], times)).microseconds)
    const at = (name: keyof typeof seen) =>
      `${median(seen[name]).toFixed(0)} (${Math.min(...seen[name]).toFixed(0)} to ${Math.max(...seen[name]).toFixed(0)})`
    const ratio = (median(seen.keyhall) / median(seen.floor)).toFixed(2)
    console.log(`  ${what.padEnd(24)} ${at('keyhall')}, floor ${at('floor')}: ${ratio} times the floor`)
  }
  console.log(
    `memory after the load: ${servers.keyhall.memory().toFixed(0)} MB (floor ${servers.floor.memory().toFixed(0)} MB)`,
  )
  for (const server of [...Object.values(servers), models]) await server.stop()
}

/** Keyhall in front of a model server. */
export const gateway = (of: Filled, upstream: string): Promise<Server> =>
  startServer(
    [join(root, 'main.ts'), 'serve'],
    {
      KEYHALL_DATABASE: of.database,
      KEYHALL_PEPPER: of.pepper,
      KEYHALL_PORT: '0',
      KEYHALL_UPSTREAM: `${upstream}/v1`,
    },
    join(of.folder, 'keyhall.log'),
  )

/** A key that opens the gateway: a new service account's. */
export async function newKey(of: Filled, { port }: Server): Promise<string> {
  const path = `/v1/organization/projects/${of.projects[0]}/service_accounts`
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${of.admin_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench' }),
  })
  const { api_key } = (await answer.json()) as { api_key: { value: string } }
  return api_key.value
}

/** The bytes of a chat completion of two thousand characters, as an SDK would send it. */
export function completion(key: string, stream: boolean, model = 'bench'): string {
  const messages = [{ role: 'user', content: 'Tell me more. '.repeat(150) }]
  const body = JSON.stringify({ model, stream, messages })
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    'Host: 127.0.0.1',
    `Authorization: Bearer ${key}`,
    'Accept: application/json',
    'User-Agent: keyhall-bench',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}
