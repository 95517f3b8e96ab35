/** Errors that one resource of the administration has. */
import { ApiError } from './errors.ts'

/** Validating an external key or external storage: Keyhall has no way to ask the provider. */
export const providerNotAsked = (id: string) =>
  new ApiError(
    400,
    `${id} was not validated: Keyhall calls no cloud provider. The form of its members was checked when it was registered; whether they exist and may be used is not known.`,
    { code: 'provider_not_asked' },
  )
