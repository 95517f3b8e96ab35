/** Errors that one resource of the administration has. */
import { ApiError } from './errors.ts'

/**
 * A change of the active IP allow lists of the organization after which the address of the call
 * could not call any more. `force` does it all the same.
 */
export const wouldLockOut = (address: string) =>
  new ApiError(
    400,
    `Your own IP address (${address}) would not be allowed any more. Add it to a list first, or say \`force\`.`,
    { code: 'would_lock_out', param: 'force' },
  )

/** Validating an external key or external storage: Keyhall has no way to ask the provider. */
export const providerNotAsked = (id: string) =>
  new ApiError(
    400,
    `${id} was not validated: Keyhall calls no cloud provider. The form of its members was checked when it was registered; whether they exist and may be used is not known.`,
    { code: 'provider_not_asked' },
  )
