/**
 * The key must hold the permission that its path needs, in a project that its owner has access to.
 */
import { forbiddenInProject } from '../../contract/errors.ts'
import type { Policy } from './policy.ts'

export const permission: Policy = {
  name: 'permission',
  withoutModel: 'applies',
  permit(caller, { permission }) {
    if (!caller.has_access || (permission !== '' && !caller.permissions.has(permission)))
      throw forbiddenInProject(permission || 'api.model.request')
  },
}
