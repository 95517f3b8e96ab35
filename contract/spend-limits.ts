/** What an organization or a project may spend in a month. */
import { del, get, object, oneOf, oneOfOpen, post, t } from './kit.ts'

/** Cents: at most $9,000,000, so that nano-dollars stay exact numbers. */
export const LARGEST_THRESHOLD = 900_000_000

const limitObject = <const Name extends string>(name: Name) =>
  object(
    `${name}.spend_limit`,
    {
      threshold_amount: t.Integer({ description: 'Cents.' }),
      currency: oneOfOpen('USD'),
      interval: oneOfOpen('month'),
      enforcement: t.Object({
        status: {
          ...oneOfOpen('inactive', 'enforcing'),
          description: '`enforcing` while the limit is reached and requests are refused.',
        },
      }),
    },
    'The most that may be spent in a calendar month (UTC). A request that could pass it is refused before it is forwarded.',
  )

/** The organization has a spend limit and, alike, each project: one template, two instances. */
const spendLimitAt = <const Path extends string, const Name extends string>(path: Path, name: Name, whose: string) => ({
  retrieve: get(path, {
    about: `Retrieves the spend limit of ${whose}; 404 where none is set.`,
    can: 'api.management.read',
    returns: limitObject(name),
  }),
  update: post(path, {
    about: `Sets the spend limit of ${whose}. It holds from the answer on, on every server.`,
    can: 'api.management.write',
    audit: 'tenant.billing.overage_limit.updated',
    body: {
      threshold_amount: t.Integer({ minimum: 1, maximum: LARGEST_THRESHOLD, description: 'Cents.' }),
      currency: oneOf('USD'),
      interval: oneOf('month'),
    },
    returns: limitObject(name),
  }),
  delete: del(path, {
    about: `Removes the spend limit of ${whose}.`,
    can: 'api.management.write',
    audit: 'tenant.billing.overage_limit.updated',
    returns: object(`${name}.spend_limit.deleted`, { deleted: t.Literal(true) }),
  }),
})

export const spendLimit = spendLimitAt('/organization/spend_limit', 'organization', 'the organization')
export const projectSpendLimit = spendLimitAt('/organization/projects/{project_id}/spend_limit', 'project', 'a project')
