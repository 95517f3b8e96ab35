/**
 * A page of the keys of all projects: what each filter costs the server, among a thousand keys and
 * among a million.
 */
import { cpus } from 'node:os'
import { join } from 'node:path'
import { Database as Sqlite } from 'bun:sqlite'
import { filled, type Filled } from './filled.ts'
import { cost, get, median, startServer, type Server } from './load.ts'

const ROUNDS = 3
const REQUESTS = 800
const PLACES = 600
const root = join(import.meta.dir, '..')

/** Somewhere in the list, each time somewhere else. */
interface Somewhere {
  /** A key, as a cursor. */
  id: string
  created_at: number
  project_id: string
  owner_id: string
}

const found: Record<string, (at: Somewhere) => string> = {
  'the first page, again and again': () => '',
  'no filter': ({ id }) => `after=${id}`,
  project_ids: ({ project_id }) => `project_ids[]=${project_id}`,
  'project_ids, five': ({ project_id }) => `project_ids[]=${project_id}&${more(project_id)}`,
  owner_ids: ({ owner_id }) => `owner_ids[]=${owner_id}`,
  owner_type: ({ id }) => `owner_type=service_account&after=${id}`,
  'owner_project_access=active': ({ id }) => `owner_project_access=active&after=${id}`,
  never_used: ({ id }) => `never_used=true&after=${id}`,
  'never_used, created_before': ({ created_at }) => `never_used=true&created_before=${created_at}`,
  last_used_before: ({ created_at }) => `last_used_before=${created_at}&never_used=false`,
  last_used_after: ({ created_at }) => `last_used_after=${created_at}&order=asc`,
  created_before: ({ created_at }) => `created_before=${created_at}`,
  created_after: ({ created_at }) => `created_after=${created_at}&order=asc`,
  never_expires: () => 'never_expires=true',
  expires_before: ({ created_at }) => `expires_before=${created_at + 31_536_000}`,
  'order_by=last_used_at': ({ id }) => `order_by=last_used_at&after=${id}`,
  'order_by=expires_at': ({ id }) => `order_by=expires_at&after=${id}`,
  'project_ids, order_by=last_used_at': ({ project_id }) => `project_ids[]=${project_id}&order_by=last_used_at`,
  'owner_ids, order_by=last_used_at': ({ owner_id }) => `owner_ids[]=${owner_id}&order_by=last_used_at`,
  // No index knows these: as many keys are looked at as there are, a thousand at most.
  'owner_project_access=inactive': ({ id }) => `owner_project_access=inactive&after=${id}`,
  'a name that one in a thousand has': ({ id }) => `name=project+7&after=${id}`,
  'a name that no key has': ({ id }) => `name=nowhere&after=${id}`,
  'last_used_before, order_by=created_at': ({ id, created_at }) =>
    `last_used_before=${created_at}&never_used=false&order_by=created_at&after=${id}`,
}

let others: string[] = []
const more = (project_id: string) =>
  Array.from(
    { length: 4 },
    (_, n) => `project_ids[]=${others[(others.indexOf(project_id) + n + 1) % others.length]}`,
  ).join('&')

export async function run() {
  const databases = { thousand: await filled(10), million: await filled(10_000) }
  console.log(`Bun ${Bun.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model}`)
  const servers = { thousand: await serve(databases.thousand), million: await serve(databases.million) }
  console.log(
    'CPU time of the server for a page of 20, in microseconds: median of the rounds, a thousand keys and a million',
  )
  for (const [name, query] of Object.entries(found)) {
    const seen = { thousand: [] as number[], million: [] as number[] }
    const asked = { thousand: requests(databases.thousand, query), million: requests(databases.million, query) }
    for (let round = -1; round < ROUNDS; round++)
      for (const size of ['thousand', 'million'] as const) {
        const { microseconds } = await cost(servers[size], asked[size], REQUESTS)
        if (round >= 0) seen[size].push(microseconds)
      }
    const [small, large] = [median(seen.thousand), median(seen.million)]
    console.log(
      `  ${name.padEnd(38)} ${small.toFixed(0).padStart(6)} ${large.toFixed(0).padStart(6)}  ${(large / small).toFixed(2)} times`,
    )
  }
  for (const server of Object.values(servers)) await server.stop()
}

const serve = (of: Filled): Promise<Server> =>
  startServer(
    [join(root, 'main.ts'), 'serve'],
    { KEYHALL_DATABASE: of.database, KEYHALL_PEPPER: of.pepper, KEYHALL_PORT: '0' },
    join(of.folder, 'keyhall.log'),
  )

const path = (query: string) => `/v1/organization/api_keys?limit=20&${query}`

/** The same question in very many places. */
function requests(of: Filled, query: (at: Somewhere) => string): string[] {
  others = of.projects
  const sqlite = new Sqlite(of.database.slice('sqlite:'.length), { readonly: true })
  const key = sqlite.prepare<Somewhere, (string | number)[]>(`
    select id, created_at, project_id, owner_id from api_keys
    where organization_id = ? and project_id = ? order by created_at desc, id desc limit 1 offset ?`)
  const asked = Array.from({ length: PLACES }, (_, n) => {
    const project = of.projects[(n * 7919) % of.projects.length]!
    return get(path(query(key.get(of.organization_id, project, 10 + ((n * 31) % 50))!)), of.admin_key)
  })
  sqlite.close()
  return asked
}
