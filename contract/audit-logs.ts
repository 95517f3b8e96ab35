/** The audit log: what was changed in the organization, and by whom. */
import { auditEventTypes } from './audit-event-types.ts'
import { auditEvents, type AuditEvent } from './audit-events.ts'
import {
  cursor,
  described,
  get,
  id,
  list,
  nullable,
  object,
  oneOf,
  optional,
  queryTime,
  t,
  time,
  type TOptional,
  type TSchema,
} from './kit.ts'

/** The payload of each event, in a member with the name of the event. */
const payloads = Object.fromEntries(
  Object.entries(auditEvents).map(([type, payload]) => [
    type,
    optional(described(payload, 'The details of an event of this type.')),
  ]),
) as { [Event in AuditEvent]: TOptional<(typeof auditEvents)[Event]> }

const User = t.Object({ id: id('user-'), email: t.String() })
const from = {
  ip_address: optional(t.String({ description: 'Where the call came from, if that is known.' })),
  user_agent: optional(t.String({ description: 'What made the call, if it said so.' })),
}

export const AuditLog = object(
  'organization.audit_log',
  {
    id: id('audit_log-'),
    type: oneOf(...auditEventTypes),
    effective_at: time('No event is older than the one that was written before it'),
    project: optional(
      described(
        t.Object({ id: id('proj_'), name: t.String() }),
        'Where it happened. What an admin key did in no project in particular is put down to the Default project; what was done on the host to none.',
      ),
    ),
    actor: described(
      nullable(
        t.Object({
          type: oneOf('session', 'api_key'),
          session: optional(
            described(
              t.Object({ user: optional(User), ...from }),
              'Somebody without a key: who is signed in with a browser, could not sign in, or accepts an invite.',
            ),
          ),
          api_key: optional(
            t.Object({
              id: t.String({ description: 'Begins with `key_`; with `at_` for the access token of a workload.' }),
              type: oneOf('user', 'service_account'),
              user: optional(User),
              service_account: optional(t.Object({ id: id('user-') })),
              ...from,
            }),
          ),
        }),
      ),
      'Who did it: an admin key and the person that owns it, a person alone, somebody who could not sign in, or a workload that got an access token of its service account; `null` for what the operator did on the host.',
    ),
    ...payloads,
  },
  'A change in the organization, and who made it. Written in the same transaction as the change, and chained by hashes, so that nobody can change or remove it unnoticed.',
)

/** Any of these values. */
const anyOf = <Item extends TSchema>(what: string, items: Item) =>
  optional(t.Array(items, { maxItems: 100, description: `Only events ${what}. Any of the values may match.` }))

const seconds = (what: string) => optional(queryTime(`Only events ${what}`))

const { after, limit } = cursor()

export const auditLogs = {
  list: get('/organization/audit_logs', {
    about: 'Lists what was changed in the organization, newest first. All filters that are given must match.',
    can: 'api.management.read',
    query: {
      after,
      before: optional(
        t.String({
          description:
            'Answer the page just before the object with this id, newest first like every page; `has_more` then says whether there is more before it. Older events come with `after` and the `last_id` of a page, newer ones with `before` and its `first_id`.',
        }),
      ),
      limit,
      effective_at: optional(
        described(
          t.Object({
            gt: seconds('after this time'),
            gte: seconds('at this time or after it'),
            lt: seconds('before this time'),
            lte: seconds('at this time or before it'),
          }),
          'Only events of this time, written `effective_at[gt]=…`.',
        ),
      ),
      project_ids: anyOf('in these projects', t.String()),
      event_types: anyOf('of these types', oneOf(...auditEventTypes)),
      actor_ids: anyOf('by these people, service accounts or API keys, given by their ids', t.String()),
      actor_emails: anyOf('by people with these addresses', t.String()),
      resource_ids: anyOf('that happened to the objects with these ids', t.String()),
      tenant_only: optional(
        t.Boolean({
          default: false,
          description: 'Only events whose type begins with `tenant.`; every type that is asked for must then be one.',
        }),
      ),
    },
    returns: list(AuditLog),
  }),
}

/** How many of the newest rows each call checks. */
export const CHECKED_ROWS = 500

export const AuditChain = object(
  'organization.audit_log.chain',
  {
    newest: described(
      nullable(
        t.Object({
          seq: t.Integer({ description: 'How many events the log has: the number of the newest.' }),
          hash: t.String({ description: 'The hash of the newest event, which covers all before it, in hexadecimal.' }),
          link: t.String({
            description:
              'Both, as `keyhall audit verify --link` takes them. Whoever keeps it elsewhere can show later that nothing before it was changed.',
          }),
        }),
      ),
      'The newest link of the chain; null while there is no event.',
    ),
    checked_from: nullable(t.Integer({ description: 'The number of the oldest event that this call has checked.' })),
    broken: described(
      nullable(
        t.Object({
          seq: t.Integer({ description: 'The number of the first event that does not hold.' }),
          why: t.String({ description: 'What is wrong with it.' }),
        }),
      ),
      'What was found where the events that were checked are not what Keyhall wrote; null where they are.',
    ),
  },
  `The hashes that chain the events of the audit log. The newest ${CHECKED_ROWS} are checked; \`keyhall audit verify\` on the host checks all of them, and that the log still ends where the revocations file noted it.`,
)

export const auditChain = {
  retrieve: get('/organization/audit_logs/chain', {
    about: `Retrieves the newest link of the audit log's chain, and whether the newest ${CHECKED_ROWS} events are what Keyhall wrote.`,
    can: 'api.management.read',
    returns: AuditChain,
    extension: true,
  }),
}
