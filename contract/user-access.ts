/** What a person can reach: the projects in which they hold a role. OpenAI has no such list. */
import { described, get, id, object, oneOf, t } from './kit.ts'
import { MOST_PROJECTS } from './me.ts'

export const UserAccess = object(
  'organization.user.access',
  {
    user_id: id('user-'),
    permissions: t.Array(t.String(), {
      description: 'What the person may do in the organization and in each of its projects, also through groups.',
    }),
    projects: described(
      t.Array(
        t.Object({
          id: id('proj_'),
          name: t.String(),
          role: oneOf('owner', 'member', 'viewer'),
          permissions: t.Array(t.String(), { description: 'What the person may do in the project, by all roles.' }),
        }),
      ),
      `The active projects in which the person holds a role, also through a group; the oldest ${MOST_PROJECTS} of them. The roles of the person in a project say where each comes from.`,
    ),
  },
  'What a person can reach.',
)

export const userAccess = {
  retrieve: get('/organization/users/{user_id}/access', {
    about: 'Retrieves what a person may do in the organization, and in which projects they hold a role.',
    can: 'api.management.read',
    returns: UserAccess,
    extension: true,
  }),
}
