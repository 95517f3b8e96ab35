/**
 * Errors in the shape of Anthropic's API, for requests to `/v1/messages`: its clients look for the
 * type of an error, and call the id of a request by another name.
 */
import type { ApiError } from '../contract/errors.ts'
import { errorBody, type Answer } from '../http/respond.ts'
import type { Target } from './target.ts'

/** Whether a request is one of Anthropic's API, below `/messages`. */
export const isForMessages = ({ endpoint }: Target) => endpoint === '/messages' || endpoint.startsWith('/messages/')

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
}

/** Of a spend limit the type says that waiting a moment does not help. */
const typeOf = (status: number, type: string) =>
  type === 'insufficient_quota'
    ? 'billing_error'
    : (types[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error'))

const messagesError = (status: number, { error }: ReturnType<typeof errorBody>, request_id: string) => ({
  type: 'error',
  error: {
    type: typeOf(status, error.type),
    message: error.message,
    ...(error.code !== null && { details: { error_code: error.code } }),
  },
  request_id,
})

/** `answer` is one of `failure`. */
export function inShapeOfMessages(answer: Answer, request_id: string) {
  answer.body = messagesError(answer.status!, answer.body as ReturnType<typeof errorBody>, request_id)
  answer.headers = { ...answer.headers, 'request-id': request_id }
}

/** The last event of a stream that ends with an error. */
export const messagesErrorEvent = (error: ApiError, request_id: string) =>
  `event: error\ndata: ${JSON.stringify(messagesError(error.status, errorBody(error), request_id))}\n\n`
