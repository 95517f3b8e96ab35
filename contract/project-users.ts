/** The people of a project: those who hold a role in it directly. */
import {
  anyId,
  cursor,
  del,
  deleted,
  get,
  id,
  list,
  nullable,
  object,
  oneOfOpen,
  optional,
  post,
  t,
  time,
  reachingProjects,
} from './kit.ts'

export const ProjectUser = object('organization.project.user', {
  id: id('user-'),
  name: nullable(t.String()),
  email: nullable(t.String()),
  role: t.String({ description: 'The highest role held directly; `member` for custom roles alone.' }),
  added_at: time(),
})

const path = '/organization/projects/{project_id}/users'
const role = () => oneOfOpen('owner', 'member', 'viewer')

export const projectUsers = reachingProjects({
  list: get(path, {
    about: 'Lists the people who hold a role in a project directly, newest first.',
    can: 'api.management.read',
    query: cursor(),
    returns: list(ProjectUser),
  }),
  create: post(path, {
    about: 'Adds a person of the organization to a project.',
    can: 'api.management.write',
    audit: 'user.added',
    body: {
      user_id: optional(anyId()),
      email: optional(t.String({ maxLength: 254, description: 'Instead of `user_id`.' })),
      role: role(),
    },
    bodyRules: [{ atMostOne: ['user_id', 'email'] }, { atLeastOne: ['user_id', 'email'] }],
    returns: ProjectUser,
  }),
  retrieve: get(`${path}/{user_id}`, {
    about: 'Retrieves a person of a project.',
    can: 'api.management.read',
    returns: ProjectUser,
  }),
  update: post(`${path}/{user_id}`, {
    about: 'Gives a person another role in a project.',
    can: 'api.management.write',
    audit: 'user.updated',
    body: { role: optional(role()) },
    returns: ProjectUser,
  }),
  delete: del(`${path}/{user_id}`, {
    about: 'Removes a person from a project, with all roles held directly in it.',
    can: 'api.management.write',
    audit: 'user.deleted',
    returns: deleted('organization.project.user'),
  }),
})
