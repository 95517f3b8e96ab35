/**
 * IP allow lists: from which addresses the API may be called, for the organization and for a
 * project. OpenAI has them in its dashboard and its audit events, not in its API.
 */
import { anyId, cursor, del, deleted, get, id, list, name, object, optional, order, post, t, time } from './kit.ts'

export const MOST_ADDRESSES = 50
/** Most lists that are active in one place, so that asking for an address stays cheap. */
export const MOST_ACTIVE = 10

const allowed_ips = () =>
  t.Array(t.String({ minLength: 1, maxLength: 64 }), {
    minItems: 1,
    maxItems: MOST_ADDRESSES,
    description: 'IP addresses and CIDRs, such as `192.0.2.0/24` and `2001:db8::1`.',
  })
const force = () =>
  optional(t.Boolean({ description: 'Does it although the address of this call would then not be allowed.' }))

const listFor = <const Name extends string>(name: Name, where: string) =>
  object(
    name,
    {
      id: id('ipallow_'),
      name: t.String(),
      allowed_ips: t.Array(t.String()),
      created_at: time(),
      active: t.Boolean({ description: `Whether it is active for ${where}.` }),
    },
    'Addresses from which the API may be called. Where lists are active, the address of a call must be in one of them; where some are active for the organization and for a project, in one of each.',
  )

const listAt = <const Path extends string, const Name extends string>(path: Path, name: Name, where: string) =>
  get(path, {
    about: `Lists the IP allow lists of the organization, newest first, and which are active for ${where}.`,
    can: 'api.management.read',
    query: { ...cursor(), order: order('desc') },
    returns: list(listFor(name, where)),
    extension: true,
  })

const ip_allowlist_ids = () => t.Array(anyId(), { minItems: 1, maxItems: 10 })

const path = '/organization/ip_allowlists'
const one = `${path}/{ip_allowlist_id}` as const
const OfOrganization = listFor('organization.ip_allowlist', 'the organization')

export const ipAllowlists = {
  list: listAt(path, 'organization.ip_allowlist', 'the organization'),
  // Before `update`, which would take these words for ids.
  activate: post(`${path}/activate`, {
    about: `Activates up to ten IP allow lists for the organization, all or none: for model requests of all projects and for administration, on every server at once. At most ${MOST_ACTIVE} are active.`,
    can: 'api.management.write',
    audit: 'ip_allowlist.config.activated',
    body: { ip_allowlist_ids: ip_allowlist_ids(), force: force() },
    returns: object('organization.ip_allowlist.activation', { data: t.Array(OfOrganization) }),
    extension: true,
  }),
  deactivate: post(`${path}/deactivate`, {
    about: 'Deactivates up to ten IP allow lists for the organization, all or none.',
    can: 'api.management.write',
    audit: 'ip_allowlist.config.deactivated',
    body: { ip_allowlist_ids: ip_allowlist_ids(), force: force() },
    returns: object('organization.ip_allowlist.deactivation', { data: t.Array(OfOrganization) }),
    extension: true,
  }),
  create: post(path, {
    about: 'Makes an IP allow list. It is not active yet.',
    can: 'api.management.write',
    audit: 'ip_allowlist.created',
    body: { name: name(), allowed_ips: allowed_ips() },
    returns: OfOrganization,
    extension: true,
  }),
  retrieve: get(one, {
    about: 'Retrieves an IP allow list.',
    can: 'api.management.read',
    returns: OfOrganization,
    extension: true,
  }),
  update: post(one, {
    about: 'Changes an IP allow list. Where it is active, the change holds on every server at once.',
    can: 'api.management.write',
    audit: 'ip_allowlist.updated',
    body: { name: optional(name()), allowed_ips: optional(allowed_ips()), force: force() },
    bodyRules: [{ atLeastOne: ['name', 'allowed_ips'] }],
    returns: OfOrganization,
    extension: true,
  }),
  delete: del(one, {
    about: 'Deletes an IP allow list. It must be inactive for the organization and for all projects.',
    can: 'api.management.write',
    audit: 'ip_allowlist.deleted',
    returns: deleted('organization.ip_allowlist'),
    extension: true,
  }),
}

const inProject = '/organization/projects/{project_id}/ip_allowlists'
const OfProject = listFor('organization.project.ip_allowlist', 'the project')

export const projectIpAllowlists = {
  list: listAt(inProject, 'organization.project.ip_allowlist', 'the project'),
  activate: post(`${inProject}/activate`, {
    about: `Activates up to ten IP allow lists for a project, all or none: for its model requests, on every server at once. At most ${MOST_ACTIVE} are active.`,
    can: 'api.management.write',
    audit: 'ip_allowlist.config.activated',
    body: { ip_allowlist_ids: ip_allowlist_ids() },
    returns: object('organization.project.ip_allowlist.activation', { data: t.Array(OfProject) }),
    extension: true,
  }),
  deactivate: post(`${inProject}/deactivate`, {
    about: 'Deactivates up to ten IP allow lists for a project, all or none.',
    can: 'api.management.write',
    audit: 'ip_allowlist.config.deactivated',
    body: { ip_allowlist_ids: ip_allowlist_ids() },
    returns: object('organization.project.ip_allowlist.deactivation', { data: t.Array(OfProject) }),
    extension: true,
  }),
}
