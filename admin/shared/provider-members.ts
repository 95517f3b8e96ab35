/** Checks of what is registered about a cloud provider. */
import { invalid } from '../../contract/errors.ts'
import type { Members } from '../../contract/cloud-names.ts'

/** Throws 400 for a member that the type needs and lacks, or that goes with another type. */
export function requireMembers(given: object, type: string, { required, optional = [] }: Members, within = '') {
  const values = given as Record<string, unknown>
  for (const name of required)
    if (values[name] === undefined)
      throw invalid(`The type '${type}' needs '${within}${name}'.`, within + name, 'unusable_value')
  for (const [name, value] of Object.entries(values))
    if (name !== 'type' && value !== undefined && !required.includes(name) && !optional.includes(name))
      throw invalid(`'${within}${name}' does not go with the type '${type}'.`, within + name, 'unusable_value')
}
