/** What a person can reach: the projects in which they hold a role. OpenAI has no such list. */
import { described, get, id, object, t } from './kit.ts'
import { heldProject, MOST_PROJECTS, organizationRole, permissionsOf } from './me.ts'

export const UserAccess = object(
  'organization.user.access',
  {
    user_id: id('user-'),
    role: organizationRole(),
    permissions: permissionsOf('the person', 'in the organization and in each of its projects'),
    projects: described(
      t.Array(t.Object(heldProject('the person'))),
      `The active projects in which the person holds a role, also through a group; the oldest ${MOST_PROJECTS} of them. The roles of the person in a project say where each comes from.`,
    ),
  },
  'What a person can reach.',
)

export const userAccess = {
  retrieve: get('/organization/users/{user_id}/access', {
    about:
      'Retrieves the role of a person in the organization, what they may do in it, and in which projects they hold a role.',
    can: 'api.management.read',
    returns: UserAccess,
    extension: true,
  }),
}
