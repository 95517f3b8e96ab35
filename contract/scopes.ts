/** The scopes of an admin key: to read, to change, to see usage. */
export const adminScopes = ['api.management.read', 'api.management.write', 'api.usage.read'] as const
export type AdminScope = (typeof adminScopes)[number]
