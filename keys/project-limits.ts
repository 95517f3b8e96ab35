/**
 * What a project may use and spend: read with each key, and again when a change invalidates the
 * keys of the project.
 */
import { sql as raw } from 'kysely'
import { isZeroRetention, type ProjectRetention } from '../contract/data-retention.ts'
import { NANO_PER_CENT } from '../contract/money.ts'
import type { EnabledTiers } from '../contract/project-service-tiers.ts'
import type { LimitName } from '../contract/project-rate-limits.ts'
import { statement } from '../database/statement.ts'
import type { Networks } from '../world/networks.ts'
import { networksOf } from './allowed-networks.ts'
import type { Sql } from '../database/types.ts'
import { authoritiesOf, type Authorities } from './certificates/authorities.ts'

export interface ProjectLimits {
  /** Nano-dollars a month; null where no limit is set. */
  spend: { organization: number | null; project: number | null }
  /**
   * The rate limits that the project has changed, by model or pattern; null where it has changed
   * none.
   */
  rates: ReadonlyMap<string, Partial<Record<LimitName, number>>> | null
  /** Null where every model may be used. */
  models: { mode: 'allow_list' | 'deny_list'; ids: ReadonlySet<string> } | null
  /** Hosted tools that are off; null for none. */
  toolsOff: ReadonlySet<string> | null
  /** Null where they were never set. */
  tiers: { default: 'standard' | 'fast' | 'scale'; enabled_tiers: EnabledTiers } | null
  /** Nothing of a request may be stored, and no person be named in its usage. */
  isZeroRetention: boolean
  /** Each of them must have the address of a request; null where any address may ask. */
  networks: readonly Networks[] | null
  /** To which client certificates must chain; null where no certificate is active. */
  authorities: Authorities | null
}

interface Retention {
  organization?: ProjectRetention
  project?: ProjectRetention
}

/** One object for all projects without limits, because most have none. */
export const noLimits: ProjectLimits = {
  spend: { organization: null, project: null },
  rates: null,
  models: null,
  toolsOff: null,
  tiers: null,
  isZeroRetention: false,
  networks: null,
  authorities: null,
}

export async function limitsOf(
  sql: Sql,
  keys: Parameters<typeof authoritiesOf>[1],
  organization_id: string,
  project_id: string,
): Promise<ProjectLimits> {
  const rows = await selectLimits(sql, { organization_id, project_id })
  if (rows.length === 0) return noLimits
  const spend = { ...noLimits.spend }
  let rates: Map<string, Partial<Record<LimitName, number>>> | null = null
  let { models, toolsOff, tiers, networks } = noLimits
  const retention: Retention = {}
  let needsCertificate = false
  for (const { what, name, value } of rows) {
    if (what === 'spend') spend[name === '' ? 'organization' : 'project'] = Number(value) * NANO_PER_CENT
    else if (what === 'rate') (rates ??= new Map()).set(name, JSON.parse(value) as Record<LimitName, number>)
    else if (what === 'hosted_tools') toolsOff = toolsIn(JSON.parse(value) as string[])
    else if (what === 'service_tiers') tiers = JSON.parse(value) as ProjectLimits['tiers']
    else if (what === 'ip_allowlist') networks = withNetworks(networks, value)
    else if (what === 'data_retention')
      retention[name === '' ? 'organization' : 'project'] = JSON.parse(value) as ProjectRetention
    else if (what === 'certificates') needsCertificate = true
    else models = { mode: name as 'allow_list', ids: new Set(JSON.parse(value) as string[]) }
  }
  const authorities = needsCertificate ? await authoritiesOf(sql, keys, organization_id, project_id) : null
  return { spend, rates, models, toolsOff, tiers, isZeroRetention: isZero(retention), networks, authorities }
}

/** The type of the project, where it has one of its own, else that of the organization. */
function isZero({ organization = 'none', project = 'organization_default' }: Retention) {
  return isZeroRetention(project === 'organization_default' ? organization : project)
}

function withNetworks(before: ProjectLimits['networks'], json: string): ProjectLimits['networks'] {
  const networks = networksOf(json)
  return networks ? [...(before ?? []), networks] : before
}

const toolsIn = (off: readonly string[]) => (off.length > 0 ? new Set(off) : null)

/** One statement for all of them, because it runs for each key that is read. */
const selectLimits = statement((sql: Sql, params: { organization_id: string; project_id: string }) =>
  sql
    .selectFrom('spend_limits')
    .select([raw<string>`'spend'`.as('what'), 'project_id as name'])
    .select(raw<string>`cast(threshold_amount as text)`.as('value'))
    .where('organization_id', '=', params.organization_id)
    .where((is) => is.or([is('project_id', '=', params.project_id), is('project_id', '=', '')]))
    .unionAll(
      sql
        .selectFrom('rate_limits')
        .select([raw<string>`'rate'`.as('what'), 'limit_key as name', 'limits as value'])
        .where('organization_id', '=', params.organization_id)
        .where('project_id', '=', params.project_id),
    )
    .unionAll(
      sql
        .selectFrom('model_permissions')
        .select([raw<string>`'models'`.as('what'), raw<string>`mode`.as('name'), 'model_ids as value'])
        .where('organization_id', '=', params.organization_id)
        .where('project_id', '=', params.project_id),
    )
    .unionAll(
      sql
        .selectFrom('project_settings')
        .select(['name as what', 'project_id as name', 'value'])
        .where('organization_id', '=', params.organization_id)
        .where((is) => is.or([is('project_id', '=', params.project_id), is('project_id', '=', '')])),
    )
    .unionAll(
      sql
        .selectFrom('active_certificates')
        .select([raw<string>`'certificates'`.as('what'), 'project_id as name', 'certificate_ids as value'])
        .where('organization_id', '=', params.organization_id)
        .where((is) => is.or([is('project_id', '=', params.project_id), is('project_id', '=', '')])),
    ),
)
