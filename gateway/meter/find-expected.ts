/** Finds the rate limits that requests of a project can come under, before there is any. */
import { sql as raw } from 'kysely'
import { jsonRows } from '../../database/json-rows.ts'
import type { Database, Sql } from '../../database/types.ts'
import { MOST_STANDING } from '../../ledger/accounts.ts'
import type { ExpectedWindow, FindExpected, Owner } from '../../ledger/expected-windows.ts'
import type { LimitRow } from '../../ledger/model-limits.ts'
import { DEFAULT_ESTIMATE, type ModelBook } from './model-book.ts'
import { everyWindow } from './windows.ts'

/** Of so many projects that were made last, where no others are named. */
const NEWEST = 100
/** Of a prompt and an answer of common length. */
const USUAL_TOKENS = 2 * DEFAULT_ESTIMATE

/** `models` is null while the server starts and has read no configuration. */
export const findExpected =
  (database: Database, models: () => ModelBook | null): FindExpected =>
  async (projects, newest) => {
    const rows = models()?.rows()
    if (!rows) return []
    const all = newest === null ? projects : [...projects, ...(await newestProjects(database.read))]
    const owners = [...new Map(all.map((owner) => [nameOf(owner), owner])).values()]
    const changed = await changedLimits(database, owners)
    const found: ExpectedWindow[] = []
    for (const [n, owner] of owners.entries()) {
      // No server holds some of more limits that nobody used.
      if (n >= projects.length && found.length >= MOST_STANDING) break
      found.push(...expectedOf(owner, withChanged(rows, changed.get(nameOf(owner)) ?? none)))
    }
    return found
  }

const none: ReadonlyMap<string, LimitRow['limits']> = new Map()

const nameOf = ({ organization_id, project_id }: Owner) => `${organization_id} ${project_id}`

function expectedOf(owner: Owner, rows: readonly LimitRow[]): ExpectedWindow[] {
  const { organization_id, project_id } = owner
  return rows.flatMap(({ key: limit_key, limits }) =>
    everyWindow(limits, limit_key).map(({ metric, span, limit }) => ({
      key: { organization_id, project_id, limit_key, metric },
      span,
      limit,
      largest: metric === 'tokens' ? USUAL_TOKENS : 1,
      age: 0,
    })),
  )
}

/** The rows of the configuration and of the project, with what the project has changed. */
function withChanged(rows: readonly LimitRow[], own: ReadonlyMap<string, LimitRow['limits']>): LimitRow[] {
  const keys = new Set(rows.map(({ key }) => key))
  const others = [...own].filter(([key]) => !keys.has(key)).map(([key, limits]) => ({ key, limits }))
  return [...rows.map(({ key, limits }) => ({ key, limits: { ...limits, ...own.get(key) } })), ...others]
}

/** What projects have changed of their limits, by project and row. */
async function changedLimits({ read, engine }: Database, owners: readonly Owner[]) {
  const changed = new Map<string, Map<string, LimitRow['limits']>>()
  const given = owners.map(({ organization_id, project_id }) => ({ organization_id, project_id }))
  const { rows } = await raw<Owner & { limit_key: string; limits: string }>`
    select rate_limits.organization_id, rate_limits.project_id, limit_key, limits
    from ${jsonRows(engine, { organization_id: 'text', project_id: 'text' }, given)} join rate_limits
      on rate_limits.organization_id = given.organization_id and rate_limits.project_id = given.project_id`.execute(
    read,
  )
  for (const row of rows) {
    const own = changed.getOrInsertComputed(nameOf(row), () => new Map())
    own.set(row.limit_key, JSON.parse(row.limits) as LimitRow['limits'])
  }
  return changed
}

const newestProjects = (sql: Sql): Promise<Owner[]> =>
  sql
    .selectFrom('projects')
    .select(['organization_id', 'id as project_id'])
    .where('archived_at', 'is', null)
    .orderBy('created_at', 'desc')
    .limit(NEWEST)
    .execute()
