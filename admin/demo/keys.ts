/** The keys of the demo: those of service accounts change every month or two, those of people come and go. */
import type { ApiKeyRow, ProjectRow, ServiceAccountRow } from '../../database/tables.ts'
import { makeKey, redact } from '../../keys/format.ts'
import { Secret } from '../../keys/secret.ts'
import { DAY, type Calendar } from './calendar.ts'
import type { Chance } from './chance.ts'
import { purposes } from './names.ts'
import type { Membership } from './organization.ts'

const KEYS = 400
const ROTATIONS = 10
/** These keys open nothing. */
const anyPepper = new Secret(new Uint8Array(32))

/** A key without its digest, which is for whoever stores it. */
export type DemoKey = Omit<ApiKeyRow, 'digest' | 'last_used_place' | 'expires_place'>

interface Owners {
  organization_id: string
  projects: ProjectRow[]
  memberships: Membership[]
  accounts: ServiceAccountRow[]
}

/** Oldest first. */
export function issueKeys(owners: Owners, calendar: Calendar, chance: Chance): DemoKey[] {
  const { organization_id, projects, memberships, accounts } = owners

  interface Life {
    created_at: number
    days: number | null
    /** When it was used last, give or take some hours; null for never. */
    used_until: number | null
  }
  const key = (
    owner: Pick<ApiKeyRow, 'project_id' | 'owner_type' | 'owner_id'>,
    name: string,
    { created_at, days, used_until }: Life,
  ): DemoKey => {
    const expires_at = days === null ? null : created_at + days * DAY
    const latest = Math.min(used_until ?? 0, expires_at ?? Infinity)
    return {
      organization_id,
      ...owner,
      id: chance.id('key_', created_at),
      name,
      redacted_value: redact(
        makeKey(owner.owner_type === 'user' ? 'project' : 'service_account', chance.bytes, anyPepper),
      ),
      scopes: JSON.stringify(chance.percent(15) ? ['api.model.read', 'api.model.request'] : []),
      created_at,
      expires_at,
      last_used_at: latest > created_at ? latest - Math.min(chance.between(60, 40_000), latest - created_at) : null,
      deleted_at: null,
    }
  }

  const rotated = accounts
    .filter((account) => account.role !== 'none')
    .flatMap(({ project_id, id, name, created_at: since }) => {
      const end = projects.find((project) => project.id === project_id)!.archived_at ?? calendar.today
      const step = (end - DAY - since) / ROTATIONS
      return Array.from({ length: ROTATIONS }, (_, turn) => {
        const created_at = Math.floor(since + turn * step) + 1
        const month = new Date(created_at * 1000).toISOString().slice(0, 7)
        return key(
          { project_id, owner_type: 'service_account', owner_id: id },
          turn === 0 ? 'Secret Key' : `${name} ${month}`,
          {
            created_at,
            days: turn % 2 === 1 && turn < 7 ? 90 : null,
            // The one before falls silent soon after it was replaced.
            used_until: Math.min(end, Math.floor(created_at + step + 2 * DAY)),
          },
        )
      })
    })

  const personal = Array.from({ length: KEYS - rotated.length }, () => {
    const { user, project, joined_at, left_at } = chance.of(memberships)
    const end = Math.min(left_at ?? calendar.today, project.archived_at ?? calendar.today)
    const created_at = calendar.amid(joined_at, end)
    return key({ project_id: project.id, owner_type: 'user', owner_id: user.id }, chance.of(purposes), {
      created_at,
      days: chance.percent(35) ? chance.of([30, 60, 90, 180, 365]) : null,
      used_until: chance.percent(16) ? null : chance.percent(45) ? end : calendar.amid(created_at, end),
    })
  })
  return [...rotated, ...personal].toSorted((one, other) => one.created_at - other.created_at)
}
