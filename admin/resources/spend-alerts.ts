/** The spend alerts of the organization and, alike, those of a project. */
import { notFound } from '../../contract/errors.ts'
import { projectSpendAlerts, spendAlerts } from '../../contract/spend-alerts.ts'
import { listOf } from '../../database/table-list.ts'
import type { ProjectRow } from '../../database/tables.ts'
import type { SpendAlertRow } from '../../database/ledger-tables.ts'
import type { Call, Handlers } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'

const template: Handlers<typeof spendAlerts> = {
  list: (call) => table.page(call.db, whose(call), call.query, (row) => present(call, row)),

  async create(call) {
    requireActive(call.project)
    const row: SpendAlertRow = {
      ...whose(call),
      id: call.newId('alert_'),
      ...columnsOf(call.body),
      created_at: call.now,
      deleted_at: null,
    }
    await call.db.insertInto('spend_alerts').values(row).execute()
    announce(call, row, false)
    return present(call, row)
  },

  retrieve: async (call) => present(call, await find(call)),

  async update(call) {
    requireActive(call.project)
    const row = { ...(await find(call)), ...columnsOf(call.body) }
    await change(call, row.id, columnsOf(call.body))
    announce(call, row, false)
    return present(call, row)
  },

  async delete(call) {
    requireActive(call.project)
    const row = await find(call)
    await change(call, row.id, { deleted_at: call.now })
    announce(call, row, true)
    return { object: `${levelOf(call)}.spend_alert.deleted`, id: row.id, deleted: true }
  },
}

export default template
export const projectSpendAlertHandlers = template as unknown as Handlers<typeof projectSpendAlerts>

const table = listOf(
  'spend_alerts',
  ['organization_id', 'project_id'],
  (item) => item.selectAll().where('item.deleted_at', 'is', null),
  { order: 'asc' },
)

type AnyCall = Pick<Call<typeof spendAlerts.update>, 'db' | 'organization_id' | 'project'>

/** The organization's own alerts are stored with an empty project. */
const whose = ({ organization_id, project }: Pick<AnyCall, 'organization_id' | 'project'>) => ({
  organization_id,
  project_id: (project as ProjectRow | undefined)?.id ?? '',
})

/** Named as in the type of the organization's operations; those of a project run the same code. */
const levelOf = ({ project }: Pick<AnyCall, 'project'>) => (project ? 'project' : 'organization') as 'organization'

const columnsOf = (body: Call<typeof spendAlerts.update>['body']) => {
  const { threshold_amount, currency, interval, notification_channel } = body
  const { recipients, subject_prefix = null } = notification_channel
  return { threshold_amount, currency, interval, recipients: JSON.stringify(recipients), subject_prefix }
}

async function find(call: AnyCall & { params: { alert_id: string } }): Promise<SpendAlertRow> {
  const row = await table.find(call.db, whose(call), call.params.alert_id)
  if (!row) throw notFound('spend_alert', call.params.alert_id)
  return row
}

const change = ({ db, organization_id }: AnyCall, id: string, columns: Partial<SpendAlertRow>) =>
  db
    .updateTable('spend_alerts')
    .set(columns)
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute()

function announce(call: Pick<Call<typeof spendAlerts.update>, 'record'>, row: SpendAlertRow, deleted: boolean) {
  const { id, threshold_amount, recipients } = row
  call.record('tenant.billing.alerts.updated', {
    id,
    threshold_amount,
    recipients: JSON.parse(recipients) as string[],
    deleted,
  })
}

const present = (call: Pick<AnyCall, 'project'>, row: SpendAlertRow) => ({
  id: row.id,
  object: `${levelOf(call)}.spend_alert` as const,
  threshold_amount: row.threshold_amount,
  currency: 'USD' as const,
  interval: 'month' as const,
  notification_channel: {
    type: 'email' as const,
    recipients: JSON.parse(row.recipients) as string[],
    subject_prefix: row.subject_prefix,
  },
})
