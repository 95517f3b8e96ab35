/** Every permission, and what the built-in roles grant. */
import { oneOf } from './kit.ts'

/** What an admin key can be allowed: to read, to change, to see usage. */
export const adminScopes = ['api.management.read', 'api.management.write', 'api.usage.read'] as const
export type AdminScope = (typeof adminScopes)[number]
export const AdminScope = oneOf(...adminScopes)

/** The shape of any permission string: scopes of project keys and permissions of custom roles. */
export const permissionPattern = '^api(\\.[a-z_]+)+\\.(read|write|request)$'
