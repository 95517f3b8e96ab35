/** Finds the rate limits that requests of a project can come under, before there is any. */
import { sql as raw } from 'kysely'
import type { LimitName } from '../../contract/project-rate-limits.ts'
import { jsonOf, jsonRows } from '../../database/json-rows.ts'
import type { Database, Sql } from '../../database/types.ts'
import type { ExpectedLimits, ExpectedWindow, FindExpected, Owner } from '../../ledger/expected-windows.ts'
import { DEFAULT_ESTIMATE, type ModelBook } from './model-book.ts'
import { everyWindow } from './windows.ts'

/** Of so many projects that were made last, where no others are named. */
const NEWEST = 100
/** Of a prompt and an answer of common length. */
const USUAL_TOKENS = 2 * DEFAULT_ESTIMATE

type Limits = Partial<Record<LimitName, number>>

/** `models` is null while the server starts and has read no configuration. */
export const findExpected =
  (database: Database, models: () => ModelBook | null): FindExpected =>
  async (projects, newest) => {
    const rows = models()?.rows()
    if (!rows) return []
    const limited = rows.filter(({ limits }) => Object.keys(limits).length > 0)
    const configured = new Map(limited.map(({ key, limits }) => [key, limits]))
    const owners = newest === null ? projects : [...projects, ...(await newestProjects(database.read))]
    const found = new Map<string, LimitsOfProject>()
    for (const { limit_key, limits, ...owner } of await changed(database, owners)) {
      const name = `${owner.organization_id} ${owner.project_id}`
      const one = found.getOrInsertComputed(name, () => new LimitsOfProject(owner, configured))
      if (limit_key !== null) one.changed.set(limit_key, JSON.parse(limits!) as Limits)
    }
    return [...found.values()]
  }

/** Those of the configuration, with what the project has changed. */
class LimitsOfProject implements ExpectedLimits {
  readonly organization_id: string
  readonly project_id: string
  readonly changed = new Map<string, Limits>()
  readonly #configured: ReadonlyMap<string, Limits>

  constructor({ organization_id, project_id }: Owner, configured: ReadonlyMap<string, Limits>) {
    this.organization_id = organization_id
    this.project_id = project_id
    this.#configured = configured
  }

  of(limit_key: string): ExpectedWindow[] {
    const { organization_id, project_id } = this
    const limits = { ...this.#configured.get(limit_key), ...this.changed.get(limit_key) }
    return everyWindow(limits, limit_key).map(({ metric, span, limit }) => ({
      key: { organization_id, project_id, limit_key, metric },
      span,
      limit,
      largest: metric === 'tokens' ? USUAL_TOKENS : 1,
      age: 0,
    }))
  }

  *all() {
    for (const key of new Set([...this.#configured.keys(), ...this.changed.keys()])) yield* this.of(key)
  }
}

/** What they have changed of their limits; without that, a row of nulls for each that lives. */
async function changed({ read, engine }: Database, owners: readonly Owner[]) {
  const columns = { organization_id: 'text', project_id: 'text' } as const
  const given = owners.map(({ organization_id, project_id }) => ({ organization_id, project_id }))
  const { rows } = await raw<Owner & { limit_key: string | null; limits: string | null }>`
    select given.organization_id, given.project_id, rate_limits.limit_key, rate_limits.limits
    from ${jsonRows(engine, columns, jsonOf(given))}
    join projects on projects.organization_id = given.organization_id and projects.id = given.project_id
    left join rate_limits
      on rate_limits.organization_id = given.organization_id and rate_limits.project_id = given.project_id
    where projects.archived_at is null`.execute(read)
  return rows
}

const newestProjects = (sql: Sql): Promise<Owner[]> =>
  sql
    .selectFrom('projects')
    .select(['organization_id', 'id as project_id'])
    .where('archived_at', 'is', null)
    .orderBy('created_at', 'desc')
    .limit(NEWEST)
    .execute()
