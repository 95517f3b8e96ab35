/** The groups of a project: which hold a role in it. */
import {
  anyId,
  cursor,
  del,
  deletedMembership,
  get,
  id,
  next,
  object,
  oneOf,
  optional,
  order,
  post,
  t,
  time,
  reachingProjects,
} from './kit.ts'

export const ProjectGroup = object('project.group', {
  project_id: id('proj_'),
  group_id: id('group_'),
  group_name: t.String(),
  group_type: oneOf('group', 'tenant_group'),
  created_at: time(),
})

const path = '/organization/projects/{project_id}/groups'

export const projectGroups = reachingProjects({
  list: get(path, {
    about: 'Lists the groups that hold a role in a project, oldest first.',
    can: 'api.management.read',
    query: { ...cursor(100, 20, 0), order: order('asc') },
    returns: next(ProjectGroup),
  }),
  create: post(path, {
    about: 'Gives a group a role in a project.',
    can: 'api.management.write',
    audit: 'role.assignment.created',
    body: {
      group_id: anyId(),
      role: anyId('The id of a role of the project, or the name of a built-in one.'),
    },
    returns: ProjectGroup,
  }),
  retrieve: get(`${path}/{group_id}`, {
    about: 'Retrieves a group of a project.',
    can: 'api.management.read',
    query: { group_type: optional({ ...oneOf('group', 'tenant_group'), default: 'group' }) },
    returns: ProjectGroup,
  }),
  delete: del(`${path}/{group_id}`, {
    about: 'Removes a group from a project, with all its roles in it.',
    can: 'api.management.write',
    audit: 'role.assignment.deleted',
    returns: deletedMembership('project.group'),
  }),
})
