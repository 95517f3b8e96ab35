/** The members of a group: people and service accounts. */
import { anyId, cursor, del, deletedMembership, get, id, next, nullable, object, oneOf, order, post, t } from './kit.ts'

const properties = { id: id('user-'), name: t.String(), email: nullable(t.String()) }

const path = '/organization/groups/{group_id}/users'

export const groupUsers = {
  list: get(path, {
    about: 'Lists the members of a group, newest first.',
    can: 'api.management.read',
    query: { ...cursor(1000, 100, 0), order: order('desc') },
    returns: next(t.Object(properties)),
  }),
  create: post(path, {
    about: 'Adds a person or a service account of the organization to a group.',
    can: 'api.management.write',
    audit: 'tenant.group.member.added',
    body: { user_id: anyId() },
    returns: object('group.user', { user_id: t.String(), group_id: t.String() }),
  }),
  retrieve: get(`${path}/{user_id}`, {
    about: 'Retrieves a member of a group.',
    can: 'api.management.read',
    returns: t.Object({
      ...properties,
      picture: nullable(t.String()),
      is_service_account: nullable(t.Boolean()),
      user_type: oneOf('user', 'tenant_user'),
    }),
  }),
  delete: del(`${path}/{user_id}`, {
    about: 'Removes a person or a service account from a group.',
    can: 'api.management.write',
    audit: 'tenant.group.member.removed',
    returns: deletedMembership('group.user'),
  }),
}
