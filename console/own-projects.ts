/** The projects in which the person who is signed in may make keys. */
import { can, type Me } from './session.ts'

/**
 * `own` are those in which the person holds a role that permits it, and `among` those to choose
 * among: undefined for all of the organization, where the person may make keys in all of it.
 */
export function ownProjects(me: Me) {
  const own = me.projects.filter(({ can_create_keys }) => can_create_keys)
  const mayEverywhere = can(me, 'api.model.request') && can(me, 'api.management.read')
  return { own, among: mayEverywhere ? undefined : own, mayMakeKeys: mayEverywhere || own.length > 0 }
}
