/**
 * Who holds a role, in the organization and, alike, in a project. OpenAI shows it in its dashboard,
 * and its API only the other way round: the roles of one person or group.
 */
import { cursor, get, next, nullable, oneOf, order, reachingProjects, t, time } from './kit.ts'

const RoleHolder = t.Object({
  id: t.String({ description: 'Of a person or a service account, or of a group.' }),
  type: oneOf('user', 'service_account', 'group'),
  name: t.String(),
  email: nullable(t.String()),
  added_at: time('When the holder got their first role there'),
})

const holdersAt = <const Path extends string>(path: Path, where: string) => ({
  list: get(path, {
    about: `Lists the people, service accounts and groups that hold a role of ${where} directly, oldest first. The built-in role of a service account is not among them: the account itself names it.`,
    can: 'api.management.read',
    query: { ...cursor(1000, 100, 0), order: order('asc') },
    returns: next(RoleHolder),
    extension: true,
  }),
})

export const roleHolders = holdersAt('/organization/roles/{role_id}/holders', 'the organization')
export const projectRoleHolders = reachingProjects(
  holdersAt('/projects/{project_id}/roles/{role_id}/holders', 'a project'),
)
