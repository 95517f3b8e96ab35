/** The certificates of the organization, and which of them are active in it and in a project. */
import { certificates, MOST_CERTIFICATES, projectCertificates } from '../../contract/certificates.ts'
import { invalid, notFound } from '../../contract/errors.ts'
import type { CertificateRow } from '../../database/identity-tables.ts'
import { listOf } from '../../database/table-list.ts'
import type { ProjectRow } from '../../database/tables.ts'
import { toPem } from '../../keys/certificates/certificate.ts'
import { hasTrustMac, withTrustMac } from '../../keys/trust-mac.ts'
import { handlers, type Call, type Handlers } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { requireAuthority } from '../rules/require-authority.ts'
import { activeIds, whereActive, writeActiveIds } from '../shared/active-certificates.ts'

/** The same for the organization and for a project. */
const toggles: Handlers<Pick<typeof certificates, 'list' | 'activate' | 'deactivate'>> = {
  async list(call) {
    const active = await activeIds(call)
    return table.page(call.db, call, call.query, (row) => presentToggled(call, row, active))
  },

  async activate(call) {
    requireActive(call.project)
    const rows = await findNamed(call)
    const before = await activeIds(call)
    const added = rows.filter(({ id }) => !before.includes(id))
    for (const row of added) requireUsable(call, row)
    const active = [...before, ...added.map(({ id }) => id)]
    if (added.length > 0) {
      await writeActiveIds(call, active)
      for (const row of added) call.record('certificates.activated', { certificates: [named(row)] })
    }
    return {
      object: `${levelOf(call)}.activation`,
      data: rows.map((row) => presentToggled(call, row, active)),
    }
  },

  async deactivate(call) {
    requireActive(call.project)
    const rows = await findNamed(call)
    const before = await activeIds(call)
    const removed = rows.filter(({ id }) => before.includes(id))
    const active = before.filter((id) => !removed.some((row) => row.id === id))
    if (removed.length > 0) {
      await writeActiveIds(call, active)
      for (const row of removed) call.record('certificates.deactivated', { certificates: [named(row)] })
    }
    return {
      object: `${levelOf(call)}.deactivation`,
      data: rows.map((row) => presentToggled(call, row, active)),
    }
  },
}

export const projectCertificateHandlers = toggles as unknown as Handlers<typeof projectCertificates>

export default handlers(certificates, {
  ...toggles,

  async create(call) {
    const { der, validAt, expiresAt } = requireAuthority(call.body.certificate, call.now)
    await requireRoom(call)
    const row = {
      organization_id: call.organization_id,
      id: call.newId('cert_'),
      name: call.body.name ?? null,
      content: toPem(der),
      valid_at: validAt,
      expires_at: expiresAt,
      created_at: call.now,
      deleted_at: null,
    }
    const sealed = withTrustMac(call.keys.pepper, 'certificates', row)
    await call.db.insertInto('certificates').values(sealed).execute()
    call.record('certificate.created', named(row))
    return present(sealed)
  },

  async retrieve(call) {
    const row = await find(call, call.params.certificate_id)
    return present(row, call.query.include?.includes('content'))
  },

  async update(call) {
    const row = await find(call, call.params.certificate_id)
    const { name = row.name } = call.body
    if (name === row.name) return present(row)
    await change(call, row.id, { name })
    call.record('certificate.updated', named({ id: row.id, name }))
    return present({ ...row, name })
  },

  async delete(call) {
    const row = await find(call, call.params.certificate_id)
    const [place] = await whereActive(call, row.id)
    if (place !== undefined)
      throw invalid(
        `The certificate ${row.id} is active for ${place === '' ? 'the organization' : `project ${place}`}: deactivate it before.`,
      )
    await change(call, row.id, { deleted_at: call.now, mac: null })
    call.record('certificate.deleted', { ...named(row), certificate: row.content })
    return { object: 'certificate.deleted', id: row.id }
  },
})

const THING = 'certificate'

const table = listOf('certificates', ['organization_id'], (item) =>
  item.selectAll().where('item.deleted_at', 'is', null),
)

type Placed = Pick<Call, 'db' | 'organization_id' | 'keys' | 'now'> & { project: ProjectRow | undefined }

async function find(call: Pick<Call, 'db' | 'organization_id'>, id: string, param: string | null = null) {
  const row = await table.find(call.db, call, id)
  if (!row) throw notFound(THING, id, param)
  return row
}

/** Those that the body names, each once; throws 404 for the first that is not there. */
async function findNamed(call: Placed & { body: { certificate_ids: string[] } }): Promise<CertificateRow[]> {
  const rows: CertificateRow[] = []
  for (const id of new Set(call.body.certificate_ids)) rows.push(await find(call, id, 'certificate_ids'))
  return rows
}

/** Throws for one that would lock everybody out, or that somebody wrote without the pepper. */
function requireUsable({ keys, now }: Placed, row: CertificateRow) {
  if (!hasTrustMac(keys.peppers, 'certificates', row)) throw notFound(THING, row.id, 'certificate_ids')
  if (row.expires_at < now)
    throw invalid(`The certificate ${row.id} has expired: nobody could use it.`, 'certificate_ids', 'unusable_value')
}

async function requireRoom({ db, organization_id }: Pick<Call, 'db' | 'organization_id'>) {
  const { count } = await db
    .selectFrom('certificates')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('organization_id', '=', organization_id)
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow()
  if (count >= MOST_CERTIFICATES) throw invalid(`An organization has at most ${MOST_CERTIFICATES} certificates.`)
}

const change = (
  { db, organization_id }: Pick<Call, 'db' | 'organization_id'>,
  id: string,
  columns: Partial<CertificateRow>,
) =>
  db
    .updateTable('certificates')
    .set(columns)
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute()

/** Named as in the type of the organization's operations; those of a project run the same code. */
const levelOf = ({ project }: Pick<Placed, 'project'>) =>
  (project ? 'organization.project.certificate' : 'organization.certificate') as 'organization.certificate'

/** As events name it: without a name where it has none. */
const named = ({ id, name }: Pick<CertificateRow, 'id' | 'name'>) => ({ id, ...(name !== null && { name }) })

const present = (row: CertificateRow, withContent = false) => ({
  object: 'certificate' as const,
  id: row.id,
  name: row.name,
  created_at: row.created_at,
  certificate_details: {
    valid_at: row.valid_at,
    expires_at: row.expires_at,
    ...(withContent && { content: row.content }),
  },
})

const presentToggled = (call: Pick<Placed, 'project'>, row: CertificateRow, active: readonly string[]) => ({
  ...present(row),
  object: levelOf(call),
  active: active.includes(row.id),
})
