/**
 * The least that can answer a page of project API keys: a bare `Bun.serve`, one prepared statement
 * with the joins that the answer needs, `JSON.stringify`. No key is checked, no project looked up,
 * nothing validated, nothing logged.
 */
import { Database as Sqlite } from 'bun:sqlite'

const sqlite = new Sqlite(process.env.FLOOR_DATABASE, { readonly: true })
const organization = process.env.FLOOR_ORGANIZATION!

const rank = `max(case when held.role = 'owner' then 4 when held.resource_id = held.organization_id then 0
  when held.role = 'member' then 3 when held.role = 'viewer' then 2 else 1 end)`
const where = `held.organization_id = key.organization_id and held.resource_id in (key.organization_id, key.project_id)`
// A plus before each value keeps SQLite from preparing the statement anew: see database/kysely.ts.
const page = (after: string) =>
  sqlite.prepare<Record<string, any>, any[]>(`
    select key.id, key.name, key.redacted_value, key.created_at, key.last_used_at, key.expires_at, key.owner_id,
      user.name as user_name, user.email, user.created_at as user_created_at,
      account.name as account_name, account.role as account_role, account.created_at as account_created_at,
      (select ${rank} from role_assignments held where ${where} and held.principal_id = key.owner_id) as direct,
      (select ${rank} from group_users member cross join role_assignments held
        where member.organization_id = key.organization_id and member.user_id = key.owner_id
          and held.principal_id = member.group_id and ${where}) as grouped,
      project.archived_at
    from projects project
    join api_keys key on key.organization_id = project.organization_id and key.project_id = project.id
    left join users user on user.organization_id = key.organization_id and user.id = key.owner_id
      and key.owner_type = 'user'
    left join service_accounts account on account.organization_id = key.organization_id and account.id = key.owner_id
      and key.owner_type = 'service_account'
    where key.organization_id = +? and key.project_id = +? and key.deleted_at is null
      and (key.owner_type = 'service_account' or exists (
        select 1 from role_assignments held
        where held.organization_id = key.organization_id and held.principal_id = user.id
          and held.resource_id = key.project_id))
      ${after}
    order by key.created_at desc, key.id desc limit +?`)
const firstPage = page('')
const nextPage = page(`and (key.created_at, key.id) <
  ((select created_at from api_keys before where before.organization_id = +? and before.project_id = +? and before.id = +?), +?)`)

const roles = ['none', 'member', 'viewer', 'member', 'owner']

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  fetch({ url }) {
    const [, project, limit, after] = /projects\/([^/]+)\/api_keys\?limit=(\d+)(?:&after=(.+))?$/.exec(url)!
    const most = Number(limit)
    const rows = after
      ? nextPage.all(organization, project, organization, project, after, after, most + 1)
      : firstPage.all(organization, project, most + 1)
    const has_more = rows.length > most
    if (has_more) rows.length = most
    const data = rows.map((row) => {
      const own = row.account_role === 'owner' ? 4 : row.account_role === 'member' ? 3 : 0
      const role = roles[Math.max(own, row.direct ?? 0, row.grouped ?? 0)]
      return {
        object: 'organization.project.api_key',
        id: row.id,
        name: row.name,
        redacted_value: row.redacted_value,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
        owner_project_access: role === 'none' || row.archived_at !== null ? 'inactive' : 'active',
        owner:
          row.account_name === null
            ? {
                type: 'user',
                user: {
                  id: row.owner_id,
                  name: row.user_name,
                  email: row.email,
                  created_at: row.user_created_at,
                  role,
                },
              }
            : {
                type: 'service_account',
                service_account: { id: row.owner_id, name: row.account_name, created_at: row.account_created_at, role },
              },
      }
    })
    const body = { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more }
    return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })
  },
})
console.log(`http://127.0.0.1:${server.port}`)
process.once('SIGTERM', () => process.exit(0))
