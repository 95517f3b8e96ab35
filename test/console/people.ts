/** People and projects for tests of the console. */
import { make, uniqueEmail } from '../made.ts'
import { addPerson, type TestServer } from '../setup.ts'

let last = 0

/** A person with a name, and a role in a project if one is named. Returns the id. */
export const newPerson = (
  server: TestServer,
  person: { name?: string; project_id?: string; project_role?: string; role?: 'owner' | 'reader' } = {},
) => addPerson(server, { id: `user-console${++last}`, email: uniqueEmail(), name: 'Ben Member', ...person })

/** A project with a name. Returns the id. */
export const newProject = async (server: TestServer, name: string) =>
  (await make(server, '/organization/projects', { name })).id
