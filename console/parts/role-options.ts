/** The built-in roles, as choices of a form. */
export const projectRoles = [
  { value: 'member', label: 'Member: makes keys of their own and calls models' },
  { value: 'owner', label: 'Owner: manages people, groups and keys too' },
  { value: 'viewer', label: 'Viewer: sees models and stored objects, calls none' },
] as const

/** Those of service accounts. */
export const accountRoles = [
  { value: 'member', label: 'Member: calls models' },
  { value: 'owner', label: 'Owner: calls models; its keys administer nothing' },
] as const

export const organizationRoles = [
  { value: 'member', label: 'Member: sees their own projects and keys' },
  { value: 'reader', label: 'Reader: sees everything, changes nothing' },
  { value: 'owner', label: 'Owner: changes everything' },
] as const

export type OrganizationRole = (typeof organizationRoles)[number]['value']
