/** Every error that Keyhall answers with, as functions. The class has the fields of the answer. */

export type ErrorType =
  | 'invalid_request_error'
  | 'rate_limit_error'
  | 'server_error'
  | 'insufficient_quota'
  | 'requests'
  | 'tokens'
  | 'images'
  | 'audio'

export class ApiError extends Error {
  readonly status: number
  readonly type: ErrorType
  readonly param: string | null
  readonly code: string | null
  /**
   * False where the same request would fail again or do harm: sent as `x-should-retry: false`,
   * which SDKs obey.
   */
  readonly retry: boolean
  /** Headers that the answer has beside those of every answer, such as `retry-after`. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether storage failed; the metrics count these by their code. */
  readonly isOfStorage: boolean

  constructor(
    status: number,
    message: string,
    {
      type = status >= 500 ? 'server_error' : 'invalid_request_error',
      param = null,
      code = null,
      retry = status !== 409,
      headers = {},
      isOfStorage = false,
      cause,
    }: Partial<Pick<ApiError, 'type' | 'param' | 'code' | 'retry' | 'headers' | 'isOfStorage' | 'cause'>> = {},
  ) {
    super(message, { cause })
    this.name = 'ApiError'
    this.status = status
    this.type = type
    this.param = param
    this.code = code
    this.retry = retry
    this.headers = headers
    this.isOfStorage = isOfStorage
  }

  /** The body of the answer. */
  get body() {
    const { message, type, param, code } = this
    return { error: { message, type, param, code } }
  }
}

/** The codes of a 400 whose message says what is wrong with the request. */
export const invalidCodes = {
  invalid_value: 'A value is not among the allowed ones, or contradicts another.',
  unusable_value: 'A value has the right form, but cannot be used.',
  invalid_type: 'A value has the wrong JSON type.',
  missing_required_parameter: 'A required member is missing.',
  unknown_parameter: 'The body has a member that the operation does not know.',
  integer_below_min_value: 'A number is too small.',
  integer_above_max_value: 'A number is too large.',
  string_below_min_length: 'A text is too short.',
  string_above_max_length: 'A text is too long.',
  array_below_min_length: 'A list has too few items.',
  array_above_max_length: 'A list has too many items.',
  already_exists: 'The object is there already.',
  duplicate_name: 'Another object of the same kind has the name.',
  invite_not_open: 'The token belongs to no open invitation.',
  last_owner: 'The organization would be left without an owner.',
  default_project: 'The Default project can be neither changed nor archived.',
} as const
export type InvalidCode = keyof typeof invalidCodes

/** A malformed or contradictory request. A body that is not JSON at all has the code `null`. */
export const invalid = (message: string, param: string | null = null, code: InvalidCode | null = 'invalid_value') =>
  new ApiError(400, message, { param, code })

/** A request without a usable Authorization header. */
export const unauthenticated = () =>
  new ApiError(401, 'Missing bearer authentication in header. Send "Authorization: Bearer <key>", exactly once.')

/** A key that is not accepted. Malformed, unknown, deleted and expired keys get the same answer. */
export const incorrectKey = (masked: string) =>
  new ApiError(
    401,
    `Incorrect API key provided: ${masked}. A new admin key can be made by an owner, or on the server's host with "keyhall admin-keys create".`,
    { code: 'invalid_api_key' },
  )

/**
 * A valid key without the scope; "insufficient permissions" and "Missing scopes" are words that
 * clients search for.
 */
export const forbidden = (scope: string) =>
  new ApiError(
    403,
    `You have insufficient permissions for this operation. Missing scopes: ${scope}. Check that the key is an admin key of this organization and that it has the necessary scopes.`,
    { code: 'missing_scope' },
  )

/** A project key that the gateway does not accept. */
export const incorrectProjectKey = (masked: string) =>
  new ApiError(401, `Incorrect API key provided: ${masked}. It may be misspelt, deleted or expired.`, {
    code: 'invalid_api_key',
  })

/** A valid key without the permission for this model request. An admin key never has it. */
export const forbiddenInProject = (scope: string) =>
  new ApiError(
    403,
    `You have insufficient permissions for this operation. Missing scopes: ${scope}. Check that this is the key of an active project, that its owner has a role there that permits this, and that the key is not restricted from it.`,
    { code: 'missing_scope' },
  )

/** The caller names another organization than the one of its key. */
export const mismatchedOrganization = () =>
  new ApiError(401, 'The OpenAI-Organization header should match the organization of the API key.', {
    code: 'mismatched_organization',
  })

/** An object that does not exist, or belongs to another organization: the two look the same. */
export const notFound = (thing: string, id: string, param: string | null = null) =>
  new ApiError(404, `The ${thing.replaceAll('_', ' ')} ${id} was not found`, { code: `${thing}_not_found`, param })

/** A cursor that is the id of no object that the list ever had. */
export const unknownCursor = (cursor: string, param = 'after') =>
  new ApiError(404, `The pagination cursor ${cursor} was not found`, { code: 'cursor_not_found', param })

/** A path that no operation has. */
export const unknownRoute = (method: string, path: string, hint = '') =>
  new ApiError(404, `Invalid URL (${method} ${path})${hint}`)

/** On a shared port `/metrics` is for callers on the same machine, unless a setting opens it. */
export const metricsOnlyLocal = () =>
  new ApiError(
    403,
    'Metrics are answered to callers on this machine that did not come through a proxy. Give them a port of their own with KEYHALL_METRICS_PORT, or open them with KEYHALL_METRICS_ACCESS=all.',
    { code: 'metrics_only_local' },
  )

/** A path that exists, with a method that it does not know. */
export const wrongMethod = (method: string, path: string, allowed: string) =>
  new ApiError(405, `Not allowed to ${method} on ${path}.`, {
    code: 'method_not_supported',
    headers: { allow: allowed },
  })

/** An archived project can be read, not changed. */
export const projectArchived = (name: string) =>
  new ApiError(400, `Project ${name} is archived`, { code: 'project_archived' })

/** An invitation that cannot be accepted. It gives no reason: the token may be a guess. */
export const inviteNotOpen = () =>
  invalid(
    'This invitation is not open: it was used already, has expired, was deleted or replaced, or never existed. Ask for a new one.',
    'token',
    'invite_not_open',
  )

/**
 * The request conflicts with what exists. Sent with `x-should-retry: false`, because SDKs would
 * otherwise send the same request twice more.
 */
export const conflict = (message: string, param: string | null = null) =>
  new ApiError(409, message, { code: 'conflict', param })

/** A body that is too long; the rest of it is not read. */
export const tooLarge = (bytes: number) =>
  new ApiError(413, `The request body is larger than ${bytes} bytes.`, { code: 'request_too_large' })

/** Storage does not answer, or could not write a change. Nothing has changed. */
export const unavailable = (code: string, cause?: unknown) =>
  new ApiError(503, 'The server cannot reach its storage right now. Nothing was changed; try again.', {
    code,
    isOfStorage: true,
    cause,
  })

/**
 * Storage was lost during a commit and did not come back in time to say whether the change is
 * there. Sent with `x-should-retry: false`.
 */
export const outcomeUnknown = (cause: unknown) =>
  new ApiError(
    503,
    'The server lost its storage while the change was being saved. It is not known whether it was saved: check before trying again.',
    { code: 'outcome_unknown', retry: false, isOfStorage: true, cause },
  )

/** An unexpected error: the caller gets the request id and nothing else, the log has the cause. */
export const internal = (requestId: string) =>
  new ApiError(500, `The server had an error while processing your request. The log names it under ${requestId}.`)

/** A model that no upstream offers. */
export const modelNotFound = (model: string) =>
  new ApiError(404, `The model \`${model}\` does not exist or you do not have access to it.`, {
    code: 'model_not_found',
    param: 'model',
  })

/** The caller names another project than the one of its key. */
export const mismatchedProject = () =>
  new ApiError(401, 'The OpenAI-Project header should match the project of the API key.', {
    code: 'mismatched_project',
  })

/** A model request whose body is neither JSON nor a form, on a path that takes no others. */
export const unsupportedMediaType = (type: string) =>
  new ApiError(415, `Unsupported content type "${type}". Send application/json or multipart/form-data.`, {
    code: 'unsupported_content_type',
  })

/** A body that did not arrive in time. */
export const bodyTooSlow = () =>
  new ApiError(408, 'The body of the request did not arrive in time.', { code: 'request_timeout' })

/**
 * The memory for bodies is full: all together, or this key's. Sent with `retry-after`. The cause is
 * for the log.
 */
export const bodyMemoryFull = (cause: unknown) =>
  new ApiError(503, 'The server holds too many request bodies in memory right now; try again in a moment.', {
    code: 'body_memory_full',
    headers: { 'retry-after': '1' },
    cause,
  })

/**
 * The memory for the bodies of callers without a key is full. It is not a 5xx, so that nobody
 * without a key can set off alerts.
 */
export const tooManyBodiesWithoutKey = () =>
  new ApiError(429, 'Too many requests without a key are arriving at the same time; try again in a moment.', {
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    headers: { 'retry-after': '1' },
  })

/** No room on the disk for a form that is too large to be held in memory. */
export const noRoomForUpload = (cause: unknown) =>
  new ApiError(503, 'The server has no room for this upload right now; try again.', {
    code: 'no_room_for_upload',
    cause,
  })

/** No upstream is configured. */
export const noUpstream = () =>
  new ApiError(
    503,
    'No model server is configured. Set KEYHALL_UPSTREAM to its address, such as http://127.0.0.1:8000/v1.',
    {
      code: 'no_upstream',
    },
  )

/** No upstream for the model could be reached, or none began to answer in time. */
export const upstreamUnreachable = (cause?: unknown) =>
  new ApiError(502, 'The model server could not be reached. Try again in a moment.', {
    code: 'upstream_unreachable',
    cause,
  })

/** The upstream did not begin to answer in time, or stalled in the middle. */
export const upstreamTimeout = (cause?: unknown) =>
  new ApiError(504, 'The model server did not answer in time.', { code: 'upstream_timeout', cause })

/**
 * The upstream refused the gateway itself, redirected it, or broke off. Its own message goes to the
 * log only, because it can hold a secret.
 */
export const badUpstream = (cause?: unknown) =>
  new ApiError(
    502,
    'The model server gave an answer that cannot be passed on. The operator finds the cause in the log.',
    {
      code: 'bad_upstream',
      cause,
    },
  )
