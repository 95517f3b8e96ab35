/** The API keys of a project. */
import {
  anyId,
  cursor,
  del,
  deleted,
  described,
  get,
  id,
  lifetime,
  list,
  name,
  nullable,
  object,
  oneOf,
  optional,
  post,
  t,
  time,
  reachingProjects,
} from './kit.ts'
import { Permission } from './permissions.ts'

export const Scopes = t.Array(Permission, {
  maxItems: 100,
  uniqueItems: true,
  description: 'The permissions that the key is restricted to; an empty list means all permissions of its owner.',
})

export const ProjectApiKey = object(
  'organization.project.api_key',
  {
    id: id('key_'),
    name: t.String(),
    redacted_value: t.String({ description: 'Prefix and last characters, enough to recognise the key by.' }),
    created_at: time(),
    last_used_at: nullable(time('When it was last used; at most ten seconds behind')),
    expires_at: nullable(time('When it stops working; `null` means never')),
    owner_project_access: described(
      oneOf('active', 'inactive'),
      'Whether the owner still has a role in the project, directly, through a group or as an owner of the organization.',
    ),
    owner: t.Object({
      type: oneOf('user', 'service_account'),
      user: optional(
        t.Object({ id: id('user-'), name: t.String(), email: t.String(), created_at: time(), role: t.String() }),
      ),
      service_account: optional(t.Object({ id: id('user-'), name: t.String(), created_at: time(), role: t.String() })),
    }),
  },
  'A key with which a project calls the gateway. It belongs to a person or to a service account; only its digest is stored.',
)

/** What answers about one key have; lists have no scopes, as OpenAI's. */
const OneProjectApiKey = t.Object({
  ...ProjectApiKey.properties,
  scopes: optional(
    described(Scopes, 'The permissions that the key is restricted to; missing where it has all of its owner.'),
  ),
})

const MadeKey = t.Object({
  ...OneProjectApiKey.properties,
  value: t.String({ description: 'The key itself, shown this once.' }),
})

const path = '/organization/projects/{project_id}/api_keys'

/** What a rotation can be told. */
export const rotation = {
  overlap_seconds: optional(
    t.Integer({
      minimum: 1,
      maximum: 2_592_000,
      default: 86_400,
      description: 'Seconds from now until the old key expires, unless it expires before.',
    }),
  ),
  expires_in_seconds: optional({
    ...lifetime(),
    description:
      'Seconds from now until the new key expires; by default as many as the old key was to live, and never if that one never expired.',
  }),
}

export const projectApiKeys = reachingProjects({
  list: get(path, {
    about: 'Lists the API keys of a project, newest first.',
    can: 'api.management.read',
    query: {
      ...cursor(),
      owner_project_access: optional(
        described(
          oneOf('active', 'inactive', 'any'),
          'Only keys whose owner has access to the project, or has lost it; without this, keys of service accounts and of direct members.',
        ),
      ),
    },
    returns: list(ProjectApiKey),
  }),
  create: post(path, {
    about: 'Issues a key that a person owns. Only this answer contains its value.',
    can: 'api.management.write',
    audit: 'api_key.created',
    body: {
      name: name(),
      user_id: anyId('The person that the key belongs to; must have access to the project.'),
      scopes: optional(Scopes),
      expires_in_seconds: optional(lifetime()),
    },
    returns: MadeKey,
    extension: true,
  }),
  retrieve: get(`${path}/{api_key_id}`, {
    about: 'Retrieves an API key of a project.',
    can: 'api.management.read',
    returns: OneProjectApiKey,
  }),
  update: post(`${path}/{api_key_id}`, {
    about: 'Replaces the scopes of a key, or the time at which it expires. At least one of the two must be given.',
    can: 'api.management.write',
    audit: 'api_key.updated',
    body: { scopes: optional(Scopes), expires_in_seconds: optional(lifetime()) },
    bodyRules: [{ atLeastOne: ['scopes', 'expires_in_seconds'] }],
    returns: OneProjectApiKey,
  }),
  rotate: post(`${path}/{api_key_id}/rotate`, {
    about:
      'Makes a new key with the owner, the name and the scopes of this one, which goes on working for a while. Only this answer contains the value of the new key.',
    can: 'api.management.write',
    audit: ['api_key.created', 'api_key.updated'],
    body: rotation,
    returns: MadeKey,
    extension: true,
  }),
  delete: del(`${path}/{api_key_id}`, {
    about: 'Deletes a key, at once and for good.',
    can: 'api.management.write',
    audit: 'api_key.deleted',
    returns: deleted('organization.project.api_key'),
  }),
})
