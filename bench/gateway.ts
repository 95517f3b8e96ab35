/**
 * A forwarded model request: what it costs the server with a hundred thousand keys, without
 * metering, with metering alone, and with metering, a rate limit and a hard spend limit, beside a
 * Bun.serve that only forwards.
 */
import { Database as Sqlite } from 'bun:sqlite'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { filled, type Filled } from './filled.ts'
import { cost, median, startServer, type Server } from './load.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const root = join(import.meta.dir, '..')

/** Far above what the bench asks for: no request may be refused, nor come near a limit. */
const limited = (upstream: string) => `
upstreams:
  - { name: local, base_url: '${upstream}/v1', models: [bench, paced] }
models:
  - match: '*'
    prices: [{ input: 2.50, cached_input: 0.25, output: 10 }]
    context_tokens: 128000
    max_output_tokens: 8192
    limits: { requests_per_minute: 100000000, tokens_per_minute: 2000000000 }
`
const SPEND_LIMIT = { threshold_amount: 900_000_000, currency: 'USD', interval: 'month' }

interface Contestant {
  name: string
  server: Server
  key: string
}

const kinds = [
  { what: 'an answer of 900 bytes', streamed: false, model: 'bench', times: 8_000, warm: 30_000, events: 0 },
  { what: 'a stream of 50 events', streamed: true, model: 'bench', times: 2_000, warm: 12_000, events: 50 },
  { what: 'the same, one by one', streamed: true, model: 'paced', times: 500, warm: 500, events: 50 },
] as const

export async function run() {
  const of = await filled(1_000)
  console.log(`Bun ${Bun.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model}`)
  const models = await startServer([join(import.meta.dir, 'model-server.ts')], {}, join(of.folder, 'models.log'))
  const upstream = `http://127.0.0.1:${models.port}`
  const floor = await startServer(
    [join(import.meta.dir, 'floor-forward.ts')],
    { FLOOR_UPSTREAM: upstream },
    join(of.folder, 'floor.log'),
  )
  const unmetered = await gateway(of, upstream, ['--preload', join(import.meta.dir, 'without-metering.ts')])
  const plain = await gateway(of, upstream)
  const limits = await limitedGateway(of, upstream)
  const contestants: Contestant[] = [
    { name: 'the floor', server: floor, key: '' },
    { name: 'without metering', server: unmetered, key: await newKey(of, unmetered) },
    { name: 'without limits', server: plain, key: await newKey(of, plain) },
    { name: 'with limits', server: limits.server, key: limits.key },
  ]
  console.log(`CPU time of the server per request, in microseconds: median of ${ROUNDS} rounds (least to most)`)
  for (const kind of kinds) await measure(kind, contestants)
  const asked = kinds.reduce((sum, { warm, times }) => sum + warm + ROUNDS * times, 0)
  console.log(`requests with limits that waited for the database: ${await waits(limits.server)} of ${asked}`)
  for (const { name, server } of contestants) {
    console.log(`memory after the load, ${name}: ${server.memory().toFixed(0)} MB`)
    await server.stop()
  }
  await models.stop()
  rmSync(limits.folder, { recursive: true })
}

async function measure({ what, streamed, model, times, warm, events }: (typeof kinds)[number], all: Contestant[]) {
  const seen = all.map(() => [] as number[])
  const requests = all.map(({ key }) => [completion(key, streamed, model)])
  // Until the compiler has done its work, which costs a server in its first seconds a third more.
  for (const [n, { server }] of all.entries()) await cost(server, requests[n]!, warm)
  for (let round = 0; round < ROUNDS; round++)
    for (const [n, { server }] of all.entries()) seen[n]!.push((await cost(server, requests[n]!, times)).microseconds)
  console.log(`  ${what}`)
  for (const [n, { name }] of all.entries()) {
    const range = `(${Math.min(...seen[n]!).toFixed(0)} to ${Math.max(...seen[n]!).toFixed(0)})`
    const beside = n === 0 ? '' : `: ${moreThan(seen[n - 1]!, seen[n]!, all[n - 1]!.name, events)}`
    console.log(`    ${name.padEnd(16)} ${median(seen[n]!).toFixed(0)} ${range}${beside}`)
  }
  const [unmetered, limited] = [1, all.length - 1]
  console.log(`    in all: ${moreThan(seen[unmetered]!, seen[limited]!, all[unmetered]!.name, events)}`)
}

/**
 * How much more the later figures are: the median of the differences of each round, and the middle
 * half of them. The machine becomes faster and slower for seconds at a time, which is in both
 * figures of a round.
 */
function moreThan(earlier: readonly number[], later: readonly number[], name: string, events: number): string {
  const more = later.map((figure, n) => figure - earlier[n]!).toSorted((one, other) => one - other)
  const [low, high] = [more[Math.floor(more.length / 4)]!, more[Math.floor((more.length * 3) / 4)]!]
  const each = events === 0 ? '' : `, ${(median(more) / events).toFixed(2)} for each event`
  return `${median(more).toFixed(0)} (${low.toFixed(0)} to ${high.toFixed(0)}) more than ${name}${each}`
}

/** Keyhall in front of a model server. */
export const gateway = (of: Filled, upstream: string, options: string[] = []): Promise<Server> =>
  startServer(
    [...options, join(root, 'main.ts'), 'serve'],
    {
      KEYHALL_DATABASE: of.database,
      KEYHALL_PEPPER: of.pepper,
      KEYHALL_PORT: '0',
      KEYHALL_UPSTREAM: `${upstream}/v1`,
    },
    join(of.folder, 'keyhall.log'),
  )

/**
 * The same with prices, rate limits, and spend limits of the organization and the project, on a
 * copy of the database: the first server knows nothing of them.
 */
async function limitedGateway(of: Filled, upstream: string) {
  const folder = mkdtempSync(join(of.folder, 'limited-'))
  const path = join(folder, 'keyhall.db')
  new Sqlite(of.database.replace('sqlite:', '')).run('vacuum into ?', [path])
  writeFileSync(join(folder, 'keyhall.yaml'), limited(upstream))
  const server = await startServer(
    [join(root, 'main.ts'), 'serve'],
    {
      KEYHALL_DATABASE: `sqlite:${path}`,
      KEYHALL_PEPPER: of.pepper,
      KEYHALL_PORT: '0',
      KEYHALL_CONFIG: join(folder, 'keyhall.yaml'),
    },
    join(folder, 'keyhall.log'),
  )
  for (const whose of ['', `/projects/${of.projects[0]}`]) {
    const answer = await administer(of, server, `${whose}/spend_limit`, SPEND_LIMIT)
    if (!answer.ok) throw new Error(`The spend limit was not set: ${await answer.text()}`)
  }
  return { folder, server, key: await newKey(of, server) }
}

/** How many requests waited because what the server held of their limits did not suffice. */
async function waits({ port }: Server): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^keyhall_limit_waits_total (\d+)$/m.exec(metrics)![1])
}

const administer = (of: Filled, { port }: Server, path: string, body: object) =>
  fetch(`http://127.0.0.1:${port}/v1/organization${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${of.admin_key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** A key that opens the gateway: a new service account's. */
export async function newKey(of: Filled, server: Server): Promise<string> {
  const answer = await administer(of, server, `/projects/${of.projects[0]}/service_accounts`, { name: 'bench' })
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
