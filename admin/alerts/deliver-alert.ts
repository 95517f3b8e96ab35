/**
 * Whom a spend alert is told: each recipient by e-mail, and the webhook of the configuration. What
 * has no way out is said in the log.
 */
import type { Database } from '../../database/types.ts'
import type { AlertDelivery, DueAlert } from '../../ledger/alert-watch.ts'
import type { World } from '../../world/world.ts'
import type { Mailer } from '../mailer.ts'
import { alertMail } from './alert-mail.ts'
import { postWebhook, type Webhook } from './post-webhook.ts'

/** Whom the webhook stands for; an address of a recipient has an `@`. */
const WEBHOOK = 'webhook'

export interface DeliveryOptions {
  database: Database
  world: World
  /** Null where no mail server is set. */
  mail: Pick<Mailer, 'deliver'> | null
  /** As the configuration has it now; null where it has none. */
  webhook: () => Webhook | null
  onUnsent: (sentence: string, alert_id: string) => void
}

export const deliverAlert = ({ database, world, mail, webhook, onUnsent }: DeliveryOptions): AlertDelivery => ({
  targetsOf({ alert_id, recipients }) {
    if (!mail) onUnsent('A spend alert is due, and no mail server is set: KEYHALL_SMTP_URL names one.', alert_id)
    return [...(mail ? recipients : []), ...(webhook() ? [WEBHOOK] : [])]
  },

  async tell(alert, target) {
    const name = await nameOf(database, alert)
    const post = webhook()
    if (target === WEBHOOK) return post ? postWebhook(world, post, alert, name) : undefined
    await mail?.deliver(alertMail(alert, name, target), `${alert.delivery_id}.${alert.recipients.indexOf(target)}`)
  },
})

async function nameOf({ read }: Database, { organization_id, project_id }: DueAlert): Promise<string> {
  const query =
    project_id === ''
      ? read.selectFrom('organizations').select('name').where('id', '=', organization_id)
      : read
          .selectFrom('projects')
          .select('name')
          .where('organization_id', '=', organization_id)
          .where('id', '=', project_id)
  const row = await query.executeTakeFirst()
  return row?.name ?? (project_id || organization_id)
}
