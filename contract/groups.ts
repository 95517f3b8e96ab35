/** Groups of people and service accounts that hold roles together. */
import { cursor, del, deleted, get, id, name, next, object, oneOf, order, post, t, time } from './kit.ts'

const properties = { id: id('group_'), name: t.String(), created_at: time(), is_scim_managed: t.Boolean() }

export const Group = t.Object({ ...properties, group_type: oneOf('group', 'tenant_group') })

/** The group in a role assignment. Its SCIM flag has another name there, as at OpenAI. */
export const AssignedGroup = object('group', {
  id: id('group_'),
  name: t.String(),
  created_at: time(),
  scim_managed: t.Boolean(),
})

const path = '/organization/groups'

export const groups = {
  list: get(path, {
    about: 'Lists the groups of the organization, oldest first.',
    can: 'api.management.read',
    query: { ...cursor(1000, 100, 0), order: order('asc') },
    returns: next(Group),
  }),
  create: post(path, {
    about: 'Creates a group. No other group may have its name.',
    can: 'api.management.write',
    audit: 'group.created',
    body: { name: name() },
    returns: Group,
  }),
  retrieve: get(`${path}/{group_id}`, {
    about: 'Retrieves a group.',
    can: 'api.management.read',
    returns: Group,
  }),
  update: post(`${path}/{group_id}`, {
    about: 'Renames a group.',
    can: 'api.management.write',
    audit: 'group.updated',
    body: { name: name() },
    returns: t.Object(properties),
  }),
  delete: del(`${path}/{group_id}`, {
    about: 'Deletes a group. Its members lose the roles that they held through it.',
    can: 'api.management.write',
    audit: 'group.deleted',
    returns: deleted('group'),
  }),
}
