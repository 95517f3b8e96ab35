/**
 * A forwarded model request: what it costs the server with a hundred thousand keys, without
 * metering, with metering alone, with a rate limit and a hard spend limit, and with two of each,
 * beside a Bun.serve that only forwards.
 */
import { Database as Sqlite } from 'bun:sqlite'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { filled, type Filled } from './filled.ts'
import { cost, median, startServer, type Server } from './load.ts'

/** Processes of the same code lie some microseconds apart, so each server is started so often. */
const STARTS = 3
/** Of each start. */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 4)
const root = join(import.meta.dir, '..')

interface Limits {
  /** Of every project and model; far above what the bench asks for, so that none is refused. */
  rates: string
  /** Whose spend limits are set, as paths of the Administration API. */
  spend: (of: Filled) => readonly string[]
}

const oneOfEach: Limits = {
  rates: '{ tokens_per_minute: 2000000000 }',
  spend: ({ projects }) => [`/projects/${projects[0]}`],
}
const twoOfEach: Limits = {
  rates: '{ requests_per_minute: 100000000, tokens_per_minute: 2000000000 }',
  spend: ({ projects }) => ['', `/projects/${projects[0]}`],
}

const configuration = (upstream: string, { rates }: Limits) => `
upstreams:
  - { name: local, base_url: '${upstream}/v1', models: [bench, paced] }
models:
  - match: '*'
    prices: [{ input: 2.50, cached_input: 0.25, output: 10 }]
    context_tokens: 128000
    max_output_tokens: 8192
    limits: ${rates}
`
const SPEND_LIMIT = { threshold_amount: 900_000_000, currency: 'USD', interval: 'month' }

interface Contestant {
  server: Server
  key: string
  /** Of a database and a file of its own; null for none. */
  folder: string | null
}

/**
 * `warm` requests come first, until the compiler has done its work: in its first seconds a server
 * needs a third more. Each round begins with some that are not counted (`lead`), because a server
 * that was idle has given back memory and holds no money for requests to come.
 */
const kinds = [
  {
    what: 'an answer of 900 bytes',
    streamed: false,
    model: 'bench',
    times: 8_000,
    warm: 30_000,
    lead: 2_000,
    events: 0,
  },
  { what: 'a stream of 50 events', streamed: true, model: 'bench', times: 1_000, warm: 4_000, lead: 200, events: 50 },
  { what: 'the same, one by one', streamed: true, model: 'paced', times: 160, warm: 400, lead: 24, events: 50 },
] as const
type Kind = (typeof kinds)[number]

/** In this order. Each is compared with the one before it, and with the second. */
const names = ['the floor', 'without metering', 'without limits', 'with two limits', 'with four limits'] as const
const [UNMETERED, LIMITED] = [1, 3]

export async function run() {
  const of = await filled(1_000)
  console.log(`Bun ${Bun.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model}`)
  const models = await startServer([join(import.meta.dir, 'model-server.ts')], {}, join(of.folder, 'models.log'))
  const upstream = `http://127.0.0.1:${models.port}`
  const seen = kinds.map(() => names.map(() => [] as number[]))
  const waited = names.map(() => 0)
  const memory = names.map(() => [] as number[])
  for (let start = 0; start < STARTS; start++) {
    const contestants = await startAll(of, upstream)
    for (const [n, kind] of kinds.entries()) await measure(kind, contestants, seen[n]!)
    for (const [n, { server, folder }] of contestants.entries()) {
      if (n >= LIMITED) waited[n]! += await waits(server)
      memory[n]!.push(server.memory())
      await server.stop()
      if (folder !== null) rmSync(folder, { recursive: true })
    }
  }
  await models.stop()
  print(seen)
  const asked = kinds.reduce((sum, { warm, lead, times }) => sum + warm + ROUNDS * (lead + times), 0) * STARTS
  for (const [n, name] of names.entries())
    if (n >= LIMITED) console.log(`requests ${name} that waited for the database: ${waited[n]} of ${asked}`)
  for (const [n, name] of names.entries())
    console.log(`memory after the load, ${name}: ${Math.max(...memory[n]!).toFixed(0)} MB`)
}

async function startAll(of: Filled, upstream: string): Promise<Contestant[]> {
  const floor = await startServer(
    [join(import.meta.dir, 'floor-forward.ts')],
    { FLOOR_UPSTREAM: upstream },
    join(of.folder, 'floor.log'),
  )
  const unmetered = await gateway(of, upstream, ['--preload', join(import.meta.dir, 'without-metering.ts')])
  const unlimited = await gateway(of, upstream)
  return [
    { server: floor, key: '', folder: null },
    { server: unmetered, key: await newKey(of, unmetered), folder: null },
    { server: unlimited, key: await newKey(of, unlimited), folder: null },
    await limitedGateway(of, upstream, oneOfEach),
    await limitedGateway(of, upstream, twoOfEach),
  ]
}

async function measure({ streamed, model, times, warm, lead }: Kind, all: readonly Contestant[], seen: number[][]) {
  const requests = all.map(({ key }) => [completion(key, streamed, model)])
  for (const [n, { server }] of all.entries()) await cost(server, requests[n]!, warm)
  for (let round = 0; round < ROUNDS; round++)
    for (const [n, { server }] of all.entries()) {
      await cost(server, requests[n]!, lead)
      seen[n]!.push((await cost(server, requests[n]!, times)).microseconds)
    }
}

function print(seen: readonly (readonly number[][])[]) {
  const rounds = `${STARTS} × ${ROUNDS} rounds`
  console.log(`CPU time of the server per request, in microseconds: median of ${rounds} (their middle half)`)
  for (const [kind, { what, events }] of kinds.entries()) {
    console.log(`  ${what}`)
    const of = seen[kind]!
    for (const [n, name] of names.entries()) {
      const others = n === 0 ? [] : [...new Set([n - 1, UNMETERED])].filter((other) => other < n)
      const more = others.map((other) => `; ${moreThan(of[other]!, of[n]!, events)} more than ${names[other]}`)
      console.log(`    ${name.padEnd(17)}${middle(of[n]!)}${more.join('')}`)
    }
  }
}

/**
 * How much more the later figures are: the median of the differences of each round, and the middle
 * half of them. The machine becomes faster and slower for seconds at a time, which is in both
 * figures of a round.
 */
function moreThan(earlier: readonly number[], later: readonly number[], events: number): string {
  const more = later.map((figure, n) => figure - earlier[n]!)
  const each = events === 0 ? '' : `, ${(median(more) / events).toFixed(2)} for each event,`
  return `${middle(more)}${each}`
}

/** The median and the middle half. */
function middle(figures: readonly number[]): string {
  const sorted = figures.toSorted((one, other) => one - other)
  const [low, high] = [sorted[Math.floor(sorted.length / 4)]!, sorted[Math.floor((sorted.length * 3) / 4)]!]
  return `${median(figures).toFixed(0)} (${low.toFixed(0)} to ${high.toFixed(0)})`
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

/** The same with prices and limits, on a copy of the database: the others know nothing of them. */
async function limitedGateway(of: Filled, upstream: string, limits: Limits): Promise<Contestant> {
  const folder = mkdtempSync(join(of.folder, 'limited-'))
  const path = join(folder, 'keyhall.db')
  new Sqlite(of.database.replace('sqlite:', '')).run('vacuum into ?', [path])
  writeFileSync(join(folder, 'keyhall.yaml'), configuration(upstream, limits))
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
  for (const whose of limits.spend(of)) {
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
