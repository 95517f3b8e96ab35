/**
 * A page of project API keys: what it costs the server, beside a hand-written floor, at a thousand
 * keys and at a million.
 */
import { cpus } from 'node:os'
import { join } from 'node:path'
import { Database as Sqlite } from 'bun:sqlite'
import { filled, type Filled } from './filled.ts'
import { cost, get, median, startServer, type Server } from './load.ts'

const ROUNDS = 5
const REQUESTS = 4_000
const root = join(import.meta.dir, '..')

export async function run() {
  const small = await filled(10)
  const large = await filled(10_000)
  console.log(`Bun ${Bun.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model}`)

  await starting(large)
  const servers = {
    keyhall: await serve(large),
    floor: await floor(large),
    small: await serve(small),
  }
  const idle = servers.keyhall.memory()
  console.log('CPU time of the server per request, in microseconds: median of the rounds (least to most)')
  for (const limit of [20, 100]) {
    for (const position of ['first', 'next'] as const) {
      const asked = pages(large, limit, position)
      const among = { keyhall: asked, floor: asked, small: pages(small, limit, position) }
      const seen = { keyhall: [] as number[], floor: [] as number[], small: [] as number[] }
      let rate = 0
      for (let round = -1; round < ROUNDS; round++) {
        for (const name of ['keyhall', 'floor', 'small'] as const) {
          const { microseconds, rate: now } = await cost(
            servers[name],
            among[name],
            limit === 20 ? REQUESTS : REQUESTS / 2,
          )
          // The round before the first is for the compiler to warm up.
          if (round >= 0) seen[name].push(microseconds)
          if (name === 'keyhall') rate = now
        }
      }
      const at = (name: keyof typeof seen) =>
        `${median(seen[name]).toFixed(0)} (${Math.min(...seen[name]).toFixed(0)} to ${Math.max(...seen[name]).toFixed(0)})`
      console.log(
        `  ${`${position} page of ${limit}`.padEnd(18)} ${at('keyhall')}, floor ${at('floor')}: ` +
          `${(median(seen.keyhall) / median(seen.floor)).toFixed(2)} times the floor; ` +
          `among a thousand keys ${at('small')}: ${(median(seen.keyhall) / median(seen.small)).toFixed(2)} times; ${rate.toFixed(0)}/s`,
      )
    }
  }
  console.log(
    `memory: ${idle.toFixed(0)} MB at rest, ${servers.keyhall.memory().toFixed(0)} MB after the load (floor ${servers.floor.memory().toFixed(0)} MB)`,
  )
  for (const server of Object.values(servers)) await server.stop()
}

async function starting(of: Filled) {
  const times: number[] = []
  for (let n = 0; n < 5; n++) {
    const began = performance.now()
    const server = await serve(of)
    const answer = await fetch(`http://127.0.0.1:${server.port}${path(of.projects[n]!, 20)}`, {
      headers: { authorization: `Bearer ${of.admin_key}` },
    })
    await answer.text()
    times.push(performance.now() - began)
    if (!answer.ok) throw new Error(`The first answer was ${answer.status}.`)
    await server.stop()
  }
  console.log(
    `from the start of the process to the first page: ${median(times).toFixed(0)} ms, the slowest of five ${Math.max(...times).toFixed(0)} ms`,
  )
}

const serve = (of: Filled): Promise<Server> =>
  startServer(
    [join(root, 'main.ts'), 'serve'],
    { KEYHALL_DATABASE: of.database, KEYHALL_PEPPER: of.pepper, KEYHALL_PORT: '0' },
    join(of.folder, 'keyhall.log'),
  )

const floor = (of: Filled): Promise<Server> =>
  startServer(
    [join(import.meta.dir, 'floor-list.ts')],
    { FLOOR_DATABASE: of.database.slice('sqlite:'.length), FLOOR_ORGANIZATION: of.organization_id },
    join(of.folder, 'floor.log'),
  )

const path = (project: string, limit: number, after?: string) =>
  `/v1/organization/projects/${project}/api_keys?limit=${limit}${after ? `&after=${after}` : ''}`

/** The first page of very many projects, or the page after the tenth key of each. */
function pages(of: Filled, limit: number, position: 'first' | 'next'): string[] {
  const sqlite = new Sqlite(of.database.slice('sqlite:'.length), { readonly: true })
  const tenth = sqlite.prepare<{ id: string }, string[]>(
    'select id from api_keys where organization_id = ? and project_id = ? order by created_at desc, id desc limit 1 offset 10',
  )
  const step = Math.max(1, Math.floor(of.projects.length / 2000))
  const asked = of.projects
    .filter((_, n) => n % step === 0)
    .map((project) =>
      get(
        path(project, limit, position === 'next' ? tenth.get(of.organization_id, project)!.id : undefined),
        of.admin_key,
      ),
    )
  sqlite.close()
  return asked
}
