/** People and projects for tests of the console. */
import { make, unique, uniqueEmail } from '../made.ts'
import { addPerson, type TestServer } from '../setup.ts'

let last = 0

/**
 * A person with a name, a role in a project if one is named, and none in the organization by
 * default. Returns the id.
 */
export const newPerson = (
  server: TestServer,
  person: Partial<
    Pick<Parameters<typeof addPerson>[1], 'name' | 'email' | 'project_id' | 'project_role' | 'role'>
  > = {},
) =>
  addPerson(server, {
    id: `user-console${++last}`,
    email: uniqueEmail(),
    name: 'Ben Member',
    role: 'member',
    ...person,
  })

/**
 * Somebody with a custom role that permits to change all of the organization, who does not own it.
 * Returns the id.
 */
export async function newManager(server: TestServer, name = 'Max Manager') {
  const user_id = await newPerson(server, { name })
  const permissions = ['api.management.read', 'api.management.write']
  const role = await make(server, '/organization/roles', { role_name: unique('managers'), permissions })
  await make(server, `/organization/users/${user_id}/roles`, { role_id: role.id })
  return user_id
}

/** A project with a name. Returns the id. */
export const newProject = async (server: TestServer, name: string) =>
  (await make(server, '/organization/projects', { name })).id
