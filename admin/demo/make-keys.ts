/**
 * The keys of the demo: those of service accounts change every month or two, those of people come
 * and go.
 */
import type { ApiKeyRow, ProjectRow, ServiceAccountRow } from '../../database/tables.ts'
import { makeKey, redact } from '../../keys/format.ts'
import { Secret } from '../../world/secret.ts'
import { DAY, type Calendar } from './calendar.ts'
import type { SeededRandom } from './seeded-random.ts'
import { purposes } from './names.ts'
import type { Membership } from './make-organization.ts'

const KEYS = 400
const ROTATIONS = 10
/** No server has this pepper, so no server accepts these keys. */
const anyPepper = new Secret(new Uint8Array(32))

/** A key without its digest and MAC, which are added when it is stored. */
export type DemoKey = Omit<
  ApiKeyRow,
  'digest' | 'mac' | 'is_redigested' | 'version' | 'last_used_sort' | 'expires_sort'
>

interface Owners {
  organization_id: string
  projects: ProjectRow[]
  memberships: Membership[]
  accounts: ServiceAccountRow[]
}

/** Oldest first. */
export function makeKeys(owners: Owners, calendar: Calendar, random: SeededRandom): DemoKey[] {
  const { organization_id, projects, memberships, accounts } = owners
  const rotated = accounts
    .filter((account) => account.role !== 'none')
    .flatMap((account) => {
      const project = projects.find(({ id }) => id === account.project_id)!
      return rotatedKeys(account, project.archived_at ?? calendar.today, random)
    })
  const personal = Array.from({ length: KEYS - rotated.length }, () =>
    personalKey(organization_id, random.of(memberships), calendar, random),
  )
  return [...rotated, ...personal].toSorted((one, other) => one.created_at - other.created_at)
}

/** Each key of a service account replaces the one before it. */
function rotatedKeys(account: ServiceAccountRow, end: number, random: SeededRandom): DemoKey[] {
  const { organization_id, project_id, id: owner_id, name, created_at: since } = account
  const step = (end - DAY - since) / ROTATIONS
  return Array.from({ length: ROTATIONS }, (_, turn) => {
    const created_at = Math.floor(since + turn * step) + 1
    const month = new Date(created_at * 1000).toISOString().slice(0, 7)
    return makeDemoKey(random, {
      organization_id,
      project_id,
      owner_type: 'service_account',
      owner_id,
      name: turn === 0 ? 'Secret Key' : `${name} ${month}`,
      created_at,
      days: turn % 2 === 1 && turn < 7 ? 90 : null,
      // The old key is no longer used soon after it was replaced.
      used_until: Math.min(end, Math.floor(created_at + step + 2 * DAY)),
    })
  })
}

function personalKey(
  organization_id: string,
  { user, project, joined_at, left_at }: Membership,
  calendar: Calendar,
  random: SeededRandom,
): DemoKey {
  const end = Math.min(left_at ?? calendar.today, project.archived_at ?? calendar.today)
  const created_at = calendar.between(joined_at, end)
  return makeDemoKey(random, {
    organization_id,
    project_id: project.id,
    owner_type: 'user',
    owner_id: user.id,
    name: random.of(purposes),
    created_at,
    days: random.percent(35) ? random.of([30, 60, 90, 180, 365]) : null,
    used_until: random.percent(16) ? null : random.percent(45) ? end : calendar.between(created_at, end),
  })
}

interface KeyToMake extends Pick<
  ApiKeyRow,
  'organization_id' | 'project_id' | 'owner_type' | 'owner_id' | 'name' | 'created_at'
> {
  /** Until it expires; null for never. */
  days: number | null
  /** When it was used last, give or take some hours; null for never. */
  used_until: number | null
}

function makeDemoKey(random: SeededRandom, { days, used_until, ...key }: KeyToMake): DemoKey {
  const { owner_type, created_at } = key
  const expires_at = days === null ? null : created_at + days * DAY
  const latest = Math.min(used_until ?? 0, expires_at ?? Infinity)
  return {
    ...key,
    id: random.id('key_', created_at),
    redacted_value: redact(makeKey(owner_type === 'user' ? 'project' : 'service_account', random.bytes, anyPepper)),
    scopes: JSON.stringify(random.percent(15) ? ['api.model.read', 'api.model.request'] : []),
    expires_at,
    last_used_at: latest > created_at ? latest - Math.min(random.between(60, 40_000), latest - created_at) : null,
    deleted_at: null,
  }
}
