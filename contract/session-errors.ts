/** Errors of sessions, which people have who are signed in with a browser. */
import { ApiError } from './errors.ts'

/** The cookie of a session that opens nothing: it ended, expired, or never was one. */
export const sessionEnded = () =>
  new ApiError(401, 'You are not signed in: the session has ended. Sign in again.', { code: 'session_ended' })

/** Two cookies of sessions: the server cannot know which of them is from somebody else. */
export const twoSessions = () =>
  new ApiError(
    401,
    'You cannot be signed in: your browser sends two session cookies, and at least one of them is not from this server. Delete the cookies of this address in the settings of your browser, and sign in again.',
    { code: 'two_sessions' },
  )

/** Signing in with what opens nothing. It gives no reason: what was sent may be a guess. */
export const signInFailed = () =>
  new ApiError(
    401,
    'Signing in failed: what was sent is misspelt, has expired, was used or deleted, or may not be used from here.',
    { code: 'sign_in_failed' },
  )

/** Asking for a link by mail where no mail server is set. */
export const mailNotConfigured = () =>
  new ApiError(
    400,
    'This server sends no mail (KEYHALL_SMTP_URL is not set). On its host, "keyhall console link EMAIL" prints a link to sign in.',
    { code: 'mail_not_configured' },
  )

/** Asking for too many links from one address, or for one person. */
export const tooManyLinks = (seconds: number) =>
  new ApiError(429, `Too many links to sign in were asked for; try again in ${seconds} seconds.`, {
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    headers: { 'retry-after': String(seconds) },
  })

/** Too many failures to sign in from one address. */
export const tooManySignIns = (seconds: number) =>
  new ApiError(429, `Signing in failed too often from your address; try again in ${seconds} seconds.`, {
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    headers: { 'retry-after': String(seconds) },
  })

/**
 * Signing in where the connection is not encrypted, so that the cookie could be read on the way.
 */
export const signInNeedsTls = () =>
  new ApiError(
    403,
    'Signing in needs https: give Keyhall a certificate (KEYHALL_TLS_CERT), or set KEYHALL_PUBLIC_URL to the https address of the proxy in front of it. Without https it works on http://127.0.0.1 and http://localhost only.',
    { code: 'https_required' },
  )

/** A call with a cookie, or to sign in, that does not come from a page of this server. */
export const notFromOwnPage = () =>
  new ApiError(
    403,
    'Sessions are for pages of this server: the request needs "Sec-Fetch-Site: same-origin", the server\'s own address as its Origin, and "x-keyhall-console: 1". Programs use a key.',
    { code: 'not_from_own_page' },
  )

/** The cookie of a session and an Authorization header in one request. */
export const twoCredentials = () =>
  new ApiError(400, 'The request has the cookie of a session and an Authorization header. Send one of the two.', {
    code: 'two_credentials',
  })

/** What a person who is signed in lacks a role for. */
export const notPermitted = (permission: string) =>
  new ApiError(
    403,
    `You have insufficient permissions for this operation. Missing scopes: ${permission}. An owner of the organization can give you a role that has it.`,
    { code: 'missing_scope' },
  )

/** A report about more than the person may see; it says which part they may ask for. */
export const reportNotPermitted = (permission: string, user_id: string) =>
  new ApiError(
    403,
    `You have insufficient permissions for this operation. Missing scopes: ${permission}. Ask only for projects in which a role gives it to you (project_ids), or only for what you used yourself (user_ids with ${user_id}).`,
    { code: 'missing_scope' },
  )

/** More keys of one's own in a project than there can be. */
export const tooManyOwnKeys = (most: number) =>
  new ApiError(400, `You have ${most} API keys in this project, and there can be no more: delete one first.`, {
    code: 'too_many_keys',
    param: 'project_id',
  })

/**
 * What only owners of the organization can do, whatever their roles permit: to make admin keys,
 * which belong to owners, to trust issuers, whose tokens become keys, and to invite, because an
 * invite ends when whoever sent it is no owner.
 */
export const onlyForOwners = () =>
  new ApiError(403, 'Only an owner of the organization can do this.', { code: 'only_for_owners' })
