/** Every error that Keyhall answers with, as words to throw. The fields of the class are the wire's. */

export type ErrorType = 'invalid_request_error' | 'rate_limit_error' | 'server_error'

export class ApiError extends Error {
  readonly status: number
  readonly type: ErrorType
  readonly param: string | null
  readonly code: string | null

  constructor(
    status: number,
    message: string,
    {
      type = 'invalid_request_error',
      param = null,
      code = null,
      cause,
    }: Partial<Pick<ApiError, 'type' | 'param' | 'code' | 'cause'>> = {},
  ) {
    super(message, { cause })
    this.name = 'ApiError'
    this.status = status
    this.type = type
    this.param = param
    this.code = code
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
  invalid_type: 'A value has the wrong JSON type.',
  missing_required_parameter: 'A required member is missing.',
  unknown_parameter: 'The body has a member that the operation does not know.',
  integer_below_min_value: 'A number is too small.',
  integer_above_max_value: 'A number is too large.',
  string_below_min_length: 'A text is too short.',
  string_above_max_length: 'A text is too long.',
  array_below_min_length: 'A list has too few items.',
  array_above_max_length: 'A list has too many items.',
  already_exists: 'The object is where the request would put it.',
  duplicate_name: 'Another object of the same kind has the name.',
  invite_not_open: 'The token of an invitation opens nothing.',
  last_owner: 'The organization would be left without an owner.',
  default_project: 'The Default project can be neither changed nor archived.',
} as const
export type InvalidCode = keyof typeof invalidCodes

/** A request that is malformed or contradicts itself. A body that is no JSON at all has the code `null`. */
export const invalid = (message: string, param: string | null = null, code: InvalidCode | null = 'invalid_value') =>
  new ApiError(400, message, { param, code })

/** A request without a usable Authorization header. */
export const unauthenticated = () =>
  new ApiError(401, 'Missing bearer authentication in header. Send "Authorization: Bearer <key>", exactly once.')

/** A key that does not open anything: garbage, unknown, deleted and expired look the same. */
export const incorrectKey = (masked: string) =>
  new ApiError(
    401,
    `Incorrect API key provided: ${masked}. A new admin key can be made by an owner, or on the server's host with "keyhall admin-keys create".`,
    { code: 'invalid_api_key' },
  )

/** A living key without the scope; "insufficient permissions" and "Missing scopes" are words that clients search for. */
export const forbidden = (scope: string) =>
  new ApiError(
    403,
    `You have insufficient permissions for this operation. Missing scopes: ${scope}. Check that the key is an admin key of this organization and that it has the necessary scopes.`,
    { code: 'missing_scope' },
  )

/** The same for the key of a project, at the gateway. */
export const incorrectProjectKey = (masked: string) =>
  new ApiError(401, `Incorrect API key provided: ${masked}. It may be misspelt, deleted or expired.`, {
    code: 'invalid_api_key',
  })

/** A key that does not open the gateway for this; an admin key opens it for nothing. */
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

/** An object that does not exist, or that is another organization's: the two cannot be told apart. */
export const notFound = (thing: string, id: string, param: string | null = null) =>
  new ApiError(404, `The ${thing.replaceAll('_', ' ')} ${id} was not found`, { code: `${thing}_not_found`, param })

/** A list position that the list never had. */
export const unknownCursor = (cursor: string, param = 'after') =>
  new ApiError(404, `The pagination cursor ${cursor} was not found`, { code: 'cursor_not_found', param })

/** A path that no operation has. */
export const unknownRoute = (method: string, path: string) => new ApiError(404, `Invalid URL (${method} ${path})`)

/** A path that exists, with a method that it does not know. */
export const wrongMethod = (method: string, path: string) =>
  new ApiError(405, `Not allowed to ${method} on ${path}.`, { code: 'method_not_supported' })

/** An archived project can be looked at, not changed. */
export const projectArchived = (name: string) =>
  new ApiError(400, `Project ${name} is archived`, { code: 'project_archived' })

/** An invitation that cannot be accepted; why it cannot is not told to somebody who may have guessed. */
export const inviteNotOpen = () =>
  invalid(
    'This invitation is not open: it was used already, has expired, was deleted or replaced, or never existed. Ask for a new one.',
    'token',
    'invite_not_open',
  )

/** Something else is in the way. Sent with `x-should-retry: false`, because SDKs would otherwise send the same request twice more. */
export const conflict = (message: string, param: string | null = null) =>
  new ApiError(409, message, { code: 'conflict', param })

/** A body that is too long; the rest of it is not read. */
export const tooLarge = (bytes: number) =>
  new ApiError(413, `The request body is larger than ${bytes} bytes.`, { code: 'request_too_large' })

/** Storage does not answer, or could not keep a change. Nothing has changed. The cause is for the log. */
export const unavailable = (code: string, cause?: unknown) =>
  new ApiError(503, 'The server cannot reach its storage right now. Nothing was changed; try again.', {
    type: 'server_error',
    code,
    cause,
  })

/** Storage went away while it kept a change, and did not come back in time to say whether it did. Sent with `x-should-retry: false`. */
export const outcomeUnknown = (cause: unknown) =>
  new ApiError(
    503,
    'The server lost its storage while the change was being kept. Whether it was made is not known: look before trying again.',
    { type: 'server_error', code: 'outcome_unknown', cause },
  )

/** Something unexpected: the caller learns the request id and nothing else, the log has the cause. */
export const internal = (requestId: string) =>
  new ApiError(500, `The server had an error while processing your request. The log names it under ${requestId}.`, {
    type: 'server_error',
  })

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

/** A model request with a body that is neither JSON nor a form; the gateway could not tell which model it is for. */
export const unsupportedMediaType = (type: string) =>
  new ApiError(
    415,
    `Unsupported content type "${type}". Send application/json or multipart/form-data, not compressed.`,
    {
      code: 'unsupported_content_type',
    },
  )

/** A body that did not arrive in time. */
export const bodyTooSlow = () =>
  new ApiError(408, 'The body of the request did not arrive in time.', { code: 'request_timeout' })

/** No room on the disk for a form that is too large to be held in memory. The cause is for the log. */
export const noRoomForUpload = (cause: unknown) =>
  new ApiError(503, 'The server has no room for this upload right now; try again.', {
    code: 'no_room_for_upload',
    cause,
  })

/** The gateway has nowhere to forward to. */
export const noUpstream = () =>
  new ApiError(
    503,
    'No model server is configured. Set KEYHALL_UPSTREAM to its address, such as http://127.0.0.1:8000/v1.',
    {
      type: 'server_error',
      code: 'no_upstream',
    },
  )

/** No upstream for the model could be reached, or none began to answer in time. */
export const upstreamUnreachable = () =>
  new ApiError(502, 'The model server could not be reached. Try again in a moment.', {
    type: 'server_error',
    code: 'upstream_unreachable',
  })

/** The upstream did not begin to answer in time, or fell silent in the middle. */
export const upstreamTimeout = () =>
  new ApiError(504, 'The model server did not answer in time.', { type: 'server_error', code: 'upstream_timeout' })

/** The upstream refused the gateway itself, redirected it, or broke off. Its own words are for the log alone: they can hold a secret. */
export const badUpstream = () =>
  new ApiError(
    502,
    'The model server gave an answer that cannot be passed on. The operator finds the cause in the log.',
    {
      type: 'server_error',
      code: 'bad_upstream',
    },
  )
