import { MOST_PROJECTS } from '../../contract/me.ts'
import { userAccess } from '../../contract/user-access.ts'
import { readHeldPermissions } from '../../keys/held-permissions.ts'
import { handlers } from '../call.ts'
import { findPerson } from '../shared/person.ts'
import { projectsOfPerson } from '../shared/person-projects.ts'

export default handlers(userAccess, {
  async retrieve(call) {
    const { db, organization_id } = call
    const { id: user_id } = await findPerson(call, call.params.user_id)
    const person = { organization_id, user_id }
    const [held, projects] = await Promise.all([
      readHeldPermissions(db, person),
      projectsOfPerson(db, person, MOST_PROJECTS),
    ])
    const permissions = [...held.organization]
    return { object: 'organization.user.access', user_id, role: held.role, permissions, projects }
  },
})
