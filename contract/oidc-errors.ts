/** Why somebody could not sign in at the issuer, in a sentence for the page and the audit log. */
import { ApiError } from './errors.ts'

const refused = (message: string, code: string, status = 403) => new ApiError(status, message, { code })

/** The issuer cannot be asked. The cause is for the log. */
export const issuerUnavailable = (cause: unknown) =>
  new ApiError(503, 'The identity provider cannot be reached at the moment. Try again later, or sign in another way.', {
    code: 'issuer_unavailable',
    cause,
  })

/** What the issuer said cannot be used: mostly a wrong setting, here or there. */
export const issuerMisconfigured = (cause: unknown) =>
  new ApiError(502, 'The identity provider refused this server. The log of the server says why.', {
    code: 'issuer_misconfigured',
    cause,
  })

/**
 * A callback that does not belong to what this browser began. It is no failure in the audit log.
 */
export const signInInterrupted = () =>
  refused(
    'Signing in was begun in another browser, at another address of this server, under other settings, or more than ten minutes ago. Sign in again.',
    'sign_in_interrupted',
    400,
  )

/** The issuer signed nobody in, or took the code for used. */
export const refusedByIssuer = (error: string) =>
  refused(`The identity provider did not sign you in: ${error}. Sign in again.`, 'refused_by_issuer')

/** The ID token, or the answer with it, does not hold. */
export const answerNotAccepted = (why: string) =>
  refused(`The answer of the identity provider was not accepted (${why}). Sign in again.`, 'answer_not_accepted')

/** Somebody who is not known here yet, without an address to be found by. */
export const noEmail = () =>
  refused('The identity provider did not say your e-mail address, by which you are found here.', 'email_missing')

/** An address that the issuer does not call verified finds nobody. */
export const emailNotVerified = (email: string) =>
  refused(`The identity provider does not say that the address ${email} is verified.`, 'email_not_verified')

/** The settings name domains, and this is none of them. */
export const domainNotAllowed = (email: string) =>
  refused(`Addresses such as ${email} are not among those that may sign in here.`, 'domain_not_allowed')

/** Somebody who is neither known nor invited, where newcomers are refused. */
export const notInvited = (email: string) =>
  refused(`Nobody has invited ${email} yet. Ask an owner of the organization for an invitation.`, 'not_invited')

/** Somebody who was removed, and not invited again. */
export const leftOrganization = (email: string) =>
  refused(`${email} has left the organization. An owner can invite them again.`, 'left_organization')

/** The person with the address has another account at the issuer. */
export const identityTaken = (email: string) =>
  refused(
    `Somebody else signs in here as ${email}, with another account of the identity provider. An owner has to remove and invite them again.`,
    'identity_taken',
  )

/** The issuer did not say all groups. */
export const groupsLeftOut = (claim: string) =>
  refused(
    `The identity provider left out "${claim}", because there are too many groups. It has to send only those that matter here.`,
    'groups_left_out',
  )

/** The issuer does not say for which organization it signs in. */
export const noSingleOrganization = () =>
  refused(
    'This server has several organizations; signing in at an identity provider needs one.',
    'several_organizations',
  )
