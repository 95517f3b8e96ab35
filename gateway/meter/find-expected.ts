/** Finds the rate limits that requests of a project can come under, before there is any. */
import type { LimitName } from '../../contract/project-rate-limits.ts'
import type { Database, Sql } from '../../database/types.ts'
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
    const owners = newest === null ? projects : [...projects, ...(await newestProjects(database.read))]
    const found: ExpectedWindow[] = []
    for (const owner of owners) found.push(...expectedOf(owner, withChanged(rows, await changed(database.read, owner))))
    return found
  }

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

async function changed(sql: Sql, { organization_id, project_id }: Owner) {
  const rows = await sql
    .selectFrom('rate_limits')
    .select(['limit_key', 'limits'])
    .where('organization_id', '=', organization_id)
    .where('project_id', '=', project_id)
    .execute()
  return new Map(
    rows.map(({ limit_key, limits }) => [limit_key, JSON.parse(limits) as Partial<Record<LimitName, number>>]),
  )
}

const newestProjects = (sql: Sql): Promise<Owner[]> =>
  sql
    .selectFrom('projects')
    .select(['organization_id', 'id as project_id'])
    .where('archived_at', 'is', null)
    .orderBy('created_at', 'desc')
    .limit(NEWEST)
    .execute()
