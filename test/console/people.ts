/** People and projects for tests of the console. */
import { make, uniqueEmail } from '../made.ts'
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

/** A project with a name. Returns the id. */
export const newProject = async (server: TestServer, name: string) =>
  (await make(server, '/organization/projects', { name })).id
