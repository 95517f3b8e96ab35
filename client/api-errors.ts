/**
 * The errors that a call can throw: classes with the names and members of the official SDK's.
 */

/** The base class of everything that this client throws. */
export class KeyhallError extends Error {
  constructor(message: string) {
    super(message)
    this.name = new.target.name
  }
}

/** The server answered with an error, or did not answer; `status` is undefined then. */
export class APIError<
  Status extends number | undefined = number | undefined,
  ResponseHeaders extends Headers | undefined = Headers | undefined,
  Body extends object | undefined = object | undefined,
> extends KeyhallError {
  readonly status: Status
  readonly headers: ResponseHeaders
  /** The `error` member of the answer. */
  readonly error: Body
  readonly code: string | null | undefined
  readonly param: string | null | undefined
  readonly type: string | undefined
  /** The id of the request in the server's log. */
  readonly requestID: string | null | undefined

  constructor(status: Status, error: Body, message: string | undefined, headers: ResponseHeaders) {
    super(sentence(status, error, message))
    this.status = status
    this.headers = headers
    this.error = error
    const { code, param, type } = (error ?? {}) as Partial<Pick<APIError, 'code' | 'param' | 'type'>>
    this.code = code
    this.param = param
    this.type = type
    this.requestID = headers?.get('x-request-id')
  }
}

function sentence(status: number | undefined, error: object | undefined, message = '') {
  const { message: told = error } = (error ?? {}) as { message?: unknown }
  const text = typeof told === 'string' ? told : told ? JSON.stringify(told) : message
  return status ? `${status} ${text || 'status code (no body)'}` : text || '(no status code or body)'
}

/** The caller aborted the call. */
export class APIUserAbortError extends APIError<undefined, undefined, undefined> {
  constructor({ message = 'Request was aborted.' }: { message?: string } = {}) {
    super(undefined, undefined, message, undefined)
  }
}

/** No answer came, or it broke off; `cause` is the platform's error. */
export class APIConnectionError extends APIError<undefined, undefined, undefined> {
  constructor({ message = 'Connection error.', cause }: { message?: string; cause?: unknown }) {
    super(undefined, undefined, message, undefined)
    if (cause !== undefined) this.cause = cause
  }
}

export class APIConnectionTimeoutError extends APIConnectionError {
  constructor({ message = 'Request timed out.' }: { message?: string } = {}) {
    super({ message })
  }
}

export class BadRequestError extends APIError<400, Headers> {}
export class AuthenticationError extends APIError<401, Headers> {}
export class PermissionDeniedError extends APIError<403, Headers> {}
export class NotFoundError extends APIError<404, Headers> {}
export class ConflictError extends APIError<409, Headers> {}
export class UnprocessableEntityError extends APIError<422, Headers> {}
export class RateLimitError extends APIError<429, Headers> {}
export class InternalServerError extends APIError<number, Headers> {}
