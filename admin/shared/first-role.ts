/** Shows each member of a resource once, although a member may hold several roles there. */
import { sql } from 'kysely'

/**
 * For a list of `role_assignments as item`: true for the first of the roles that the principal
 * holds in the resource.
 */
export const isFirstRole = sql<boolean>`not exists (
  select 1 from role_assignments other
  where other.organization_id = item.organization_id
    and other.principal_id = item.principal_id
    and other.resource_id = item.resource_id
    and other.role < item.role)`
