/** Who is told by e-mail when the spend of a month passes an amount. */
import {
  cursor,
  del,
  deleted,
  described,
  email,
  get,
  id,
  list,
  nullable,
  object,
  oneOf,
  optional,
  order,
  post,
  t,
} from './kit.ts'
import { LARGEST_THRESHOLD } from './spend-limits.ts'

const channel = t.Object({
  type: oneOf('email'),
  recipients: t.Array(t.String()),
  subject_prefix: optional(nullable(t.String())),
})

const body = {
  threshold_amount: t.Integer({ minimum: 0, maximum: LARGEST_THRESHOLD, description: 'Cents.' }),
  currency: oneOf('USD'),
  interval: oneOf('month'),
  notification_channel: t.Object(
    {
      type: oneOf('email'),
      recipients: t.Array(email(), { minItems: 1, maxItems: 100, description: 'Who gets the e-mail.' }),
      subject_prefix: optional(nullable(t.String({ maxLength: 255, pattern: '^[^\\p{C}]*$' }))),
    },
    { additionalProperties: false },
  ),
}

const alertObject = <const Name extends string>(name: Name) =>
  object(
    `${name}.spend_alert`,
    {
      id: id('alert_'),
      threshold_amount: t.Integer({ description: 'Cents.' }),
      currency: oneOf('USD'),
      interval: oneOf('month'),
      notification_channel: channel,
    },
    'An e-mail, once a month, when the spend of the month (UTC) reaches the threshold. It stops no request.',
  )

const { after, limit } = cursor(100, 20, 0)
const page = {
  after,
  before: optional(described(t.String(), 'Answers the page just before the object with this id.')),
  limit,
  order: order('asc'),
}

/** The organization has spend alerts and, alike, each project: one template, two instances. */
const spendAlertsAt = <const Path extends string, const Name extends string>(
  path: Path,
  name: Name,
  whose: string,
) => ({
  list: get(path, {
    about: `Lists the spend alerts of ${whose}, oldest first.`,
    can: 'api.management.read',
    query: page,
    returns: list(alertObject(name)),
  }),
  create: post(path, {
    about: `Makes a spend alert of ${whose}. One whose threshold is passed already is sent at once.`,
    can: 'api.management.write',
    audit: 'tenant.billing.alerts.updated',
    body,
    returns: alertObject(name),
  }),
  retrieve: get(`${path}/{alert_id}`, {
    about: `Retrieves a spend alert of ${whose}.`,
    can: 'api.management.read',
    returns: alertObject(name),
  }),
  update: post(`${path}/{alert_id}`, {
    about: `Replaces a spend alert of ${whose}. A threshold that is changed is told of anew.`,
    can: 'api.management.write',
    audit: 'tenant.billing.alerts.updated',
    body,
    returns: alertObject(name),
  }),
  delete: del(`${path}/{alert_id}`, {
    about: `Deletes a spend alert of ${whose}.`,
    can: 'api.management.write',
    audit: 'tenant.billing.alerts.updated',
    returns: deleted(`${name}.spend_alert`),
  }),
})

export const spendAlerts = spendAlertsAt('/organization/spend_alerts', 'organization', 'the organization')
export const projectSpendAlerts = spendAlertsAt(
  '/organization/projects/{project_id}/spend_alerts',
  'project',
  'a project',
)
