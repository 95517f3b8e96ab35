/**
 * The person who makes the call, and the API keys of their own. OpenAI has these in its dashboard.
 */
import { ApiKey } from './api-keys.ts'
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
} from './kit.ts'
import { rotation, Scopes } from './project-api-keys.ts'
import { requestLimits } from './project-limit-use.ts'

/** How many living keys of their own somebody can have in a project. */
export const MOST_OWN_KEYS = 100
/** How many projects the answer names. */
export const MOST_PROJECTS = 1000

/** `who` and `where` are words of a sentence. */
export const permissionsOf = (who: string, where: string) =>
  t.Array(t.String(), { description: `What ${who} may do ${where}, by all roles, also through groups.` })

/**
 * The highest built-in role that somebody holds in the organization, directly or through a group.
 */
export const organizationRole = () =>
  described(oneOf('owner', 'reader', 'member'), 'The role in the organization; `member` for none.')

/** A project in which somebody holds a role. */
export const heldProject = (who: string) => ({
  id: id('proj_'),
  name: t.String(),
  role: oneOf('owner', 'member', 'viewer'),
  permissions: permissionsOf(who, 'in the project'),
})

export const Me = object(
  'organization.me',
  {
    user: t.Object({
      id: id('user-'),
      name: t.String(),
      email: t.String(),
      role: organizationRole(),
    }),
    organization: t.Object({ id: id('org-'), name: t.String() }),
    permissions: permissionsOf('the caller', 'in the organization and in each of its projects'),
    projects: described(
      t.Array(
        t.Object({
          ...heldProject('the caller'),
          can_create_keys: t.Boolean({ description: 'Whether the caller can make keys of their own in it.' }),
        }),
      ),
      `The active projects in which the caller holds a role, also through a group; the oldest ${MOST_PROJECTS} of them. An owner of the organization may use the others too.`,
    ),
    session: nullable(t.Object({ id: id('sess_'), expires_at: time() })),
  },
  'The person who makes the call: who is signed in, or who owns the admin key.',
)

const path = '/organization/me'
const keys = `${path}/api_keys` as const

export const me = {
  retrieve: get(path, {
    about: 'Retrieves the person who makes the call, and what they may do.',
    can: 'api.management.read',
    reach: 'own',
    returns: Me,
    extension: true,
  }),
}

export const myLimits = {
  retrieve: get(`${path}/projects/{project_id}/limits`, {
    about: 'Retrieves what requests are limited by in a project where the caller holds a role, with what is used now.',
    can: 'api.management.read',
    reach: 'own',
    returns: object(
      'organization.me.limits',
      { project_id: id('proj_'), ...requestLimits },
      'The rate limits and the models of a project, for everybody who belongs to it. Its money is for who manages it.',
    ),
    extension: true,
  }),
}

export const myApiKeys = {
  list: get(keys, {
    about: 'Lists the API keys that the caller owns, in all projects, newest first.',
    can: 'api.management.read',
    reach: 'own',
    query: { ...cursor(), project_id: optional(anyId('Only keys of this project.')) },
    returns: list(ApiKey),
    extension: true,
  }),
  create: post(keys, {
    about: `Makes an API key that the caller owns, in an active project where the caller may do \`api.model.request\`. Only this answer contains its value. At most ${MOST_OWN_KEYS} for each person and project.`,
    can: 'api.management.write',
    reach: 'own',
    audit: 'api_key.created',
    body: {
      project_id: anyId(),
      name: name(),
      scopes: optional(Scopes),
      expires_in_seconds: optional(lifetime()),
    },
    returns: t.Object({
      ...ApiKey.properties,
      value: t.String({ description: 'The key itself, shown this once.' }),
    }),
    extension: true,
  }),
  rotate: post(`${keys}/{api_key_id}/rotate`, {
    about:
      'Makes a new key with the name, the project and the scopes of this one, which goes on working for a while. Only this answer contains the value of the new key.',
    can: 'api.management.write',
    reach: 'own',
    audit: ['api_key.created', 'api_key.updated'],
    body: rotation,
    returns: t.Object({
      ...ApiKey.properties,
      value: t.String({ description: 'The key itself, shown this once.' }),
    }),
    extension: true,
  }),
  delete: del(`${keys}/{api_key_id}`, {
    about: 'Deletes an API key of the caller, at once and for good.',
    can: 'api.management.write',
    reach: 'own',
    audit: 'api_key.deleted',
    returns: deleted('organization.project.api_key'),
    extension: true,
  }),
}
