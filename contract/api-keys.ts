/**
 * All API keys of the organization, in all its projects, and its admin keys: for those who look for
 * keys that nobody needs any more.
 */
import { cursor, described, get, id, list, name, oneOf, optional, queryTime, t, type TSchema } from './kit.ts'
import { AdminApiKey } from './admin-api-keys.ts'
import { ProjectApiKey } from './project-api-keys.ts'

const { description, properties } = ProjectApiKey as typeof ProjectApiKey & { description: string }

/** A key of a project, with the project. */
export const ApiKey = t.Object({ ...properties, project_id: id('proj_') }, { description })

const ListedAdminApiKey = t.Object({
  ...AdminApiKey.properties,
  owner_project_access: described(
    oneOf('active', 'inactive'),
    'Of an admin key: whether the owner still owns the organization; without that the key opens nothing.',
  ),
})

/** The member `object` says which of the two a key is. */
const AnyApiKey = described(
  t.Union([ApiKey, ListedAdminApiKey]),
  'A key of a project, or an admin key of the organization: `object` says which. An admin key belongs to no project.',
)

/** Any of these values. */
const anyOf = <Item extends TSchema>(items: Item, what: string) =>
  optional(t.Array(items, { maxItems: 100, description: `Only keys ${what}.` }))

const when = (what: string) => optional(queryTime(`Only keys ${what}`))

const { limit } = cursor()

export const apiKeys = {
  list: get('/organization/api_keys', {
    about:
      'Lists the API keys of all projects, archived ones too, and admin keys where they are asked for, newest first or in the order that is asked for. All filters that are given must match. A page looks at a thousand keys at most, so that it costs the same however many there are: where few match, it can be short, or empty, and `has_more` and `last_id` still say that and where to go on.',
    can: 'api.management.read',
    query: {
      after: optional(
        t.String({
          description:
            'Answers what comes after the key with this id, or after a `last_id`. In an order by last use or by expiry, `last_id` also contains the key’s place in the list, so that the next page follows even when the key was used meanwhile.',
        }),
      ),
      limit,
      kinds: optional(
        t.Array(oneOf('project', 'admin'), {
          minItems: 1,
          maxItems: 2,
          default: ['project'],
          description: 'Keys of projects, admin keys of the organization, or both in one list.',
        }),
      ),
      project_ids: anyOf(t.String(), 'of these projects, to which no admin key belongs'),
      owner_ids: anyOf(t.String(), 'of these people and service accounts'),
      owner_type: optional(described(oneOf('user', 'service_account'), 'Only keys of people, or of service accounts.')),
      owner_project_access: optional(
        described(
          { ...oneOf('active', 'inactive', 'any'), default: 'any' },
          'Only keys whose owner has access to the project, or has lost it. Of admin keys, only those whose owner still owns the organization, or does not any more.',
        ),
      ),
      never_used: optional(t.Boolean({ description: 'Only keys that were never used, or only keys that were.' })),
      last_used_before: when(
        'last used before this time. Those never used are among them, unless `never_used` is false',
      ),
      last_used_after: when('last used after this time'),
      created_before: when('created before this time'),
      created_after: when('created after this time'),
      expires_before: when('that expire before this time, or have expired'),
      never_expires: optional(t.Boolean({ description: 'Only keys that never expire, or only keys that do.' })),
      name: optional(
        described(
          name(),
          'Only keys with this in their name. Upper and lower case are the same for the letters A to Z.',
        ),
      ),
      order_by: optional(
        described(
          oneOf('created_at', 'last_used_at', 'expires_at'),
          'The time that the keys are ordered by, and then by `created_at`. Keys that were never used come before all times, keys that never expire after all. By default `last_used_at` if the last use is asked for, `expires_at` if `expires_before` or `never_expires` is given, else `created_at`.',
        ),
      ),
      order: optional({ ...oneOf('asc', 'desc'), default: 'desc' }),
    },
    returns: list(AnyApiKey),
    extension: true,
  }),
}
