/**
 * The errors of requests that a limit of their project or organization refuses, in OpenAI's words.
 */
import { ApiError, type ErrorType } from './errors.ts'

/** A model that the model permissions of the project do not allow. */
export const modelNotPermitted = (project_id: string, model: string) =>
  new ApiError(403, `Project \`${project_id}\` does not have access to model \`${model}\``, {
    code: 'model_not_found',
    param: 'model',
  })

/** A hosted tool that the permissions of the project have off. */
export const hostedToolOff = (project_id: string, tool: string, param: string) =>
  new ApiError(403, `Project \`${project_id}\` may not use the hosted tool \`${tool}\`.`, {
    code: 'hosted_tool_not_permitted',
    param,
  })

/** A service tier that is not enabled for the project. */
export const serviceTierOff = (project_id: string, tier: string) =>
  new ApiError(403, `Project \`${project_id}\` may not use the service tier \`${maskedTier(tier)}\`.`, {
    code: 'service_tier_not_permitted',
    param: 'service_tier',
  })

/**
 * What cannot be done without storing, in a project with zero data retention; `param` is the member
 * that asks for it, null where the whole request does.
 */
export const needsStoring = (project_id: string, param: 'store' | 'background' | 'conversation' | null) =>
  new ApiError(
    403,
    `Project \`${project_id}\` has zero data retention, so nothing of a request may be stored: ${
      param === null ? 'this request asks for nothing else.' : `${withoutStoring[param]}.`
    }`,
    { code: 'zero_data_retention', param },
  )

const withoutStoring = {
  store: 'set `store` to false',
  background: 'a response in the background is stored until it is fetched; leave `background` out',
  conversation: 'a conversation is stored; leave `conversation` out and send its items as input',
}

/** The address of the call is not in the IP allow lists that are active. */
export const ipNotAuthorized = (address: string) =>
  new ApiError(
    401,
    `IP not authorized: your request IP (${address}) does not match the IP allowlist configured for your project or organization.`,
    { code: 'ip_not_authorized' },
  )

/** What a caller wrote, short and without signs that a terminal obeys. */
const maskedTier = (tier: string) => tier.replace(/[^\w.-]/g, '?').slice(0, 64)

/**
 * A rate limit is reached; the type is what it counts. Sent with `retry-after` and
 * `retry-after-ms`, after which the same request has room if nobody else takes it.
 */
export const rateLimited = (
  message: string,
  type: ErrorType,
  milliseconds: number,
  headers: Record<string, string> = {},
) =>
  new ApiError(429, message, {
    type,
    code: 'rate_limit_exceeded',
    headers: {
      ...headers,
      'retry-after': String(Math.ceil(milliseconds / 1000)),
      'retry-after-ms': String(Math.ceil(milliseconds)),
    },
  })

/**
 * A request that is larger than its rate limit: it would never have room. Sent with
 * `x-should-retry: false`.
 */
export const tooLargeForLimit = (message: string, type: ErrorType) =>
  new ApiError(429, message, { type, code: 'rate_limit_exceeded', retry: false })

/**
 * A request that could pass the spend limit of the month. Sent with `x-should-retry: false`, and
 * with `retry-after` to the end of the month.
 */
export const spendLimited = (level: 'organization' | 'project', milliseconds: number) =>
  new ApiError(
    429,
    `This request could exceed the monthly spend limit of your ${level}. Raise the limit, or wait for the next month.`,
    {
      type: 'insufficient_quota',
      code: `${level}_spend_limit_exceeded`,
      retry: false,
      headers: { 'retry-after': String(Math.ceil(milliseconds / 1000)) },
    },
  )

/** A setting of a model without which the cost of a request may have no bound. */
export type ModelSize = 'max_output_tokens' | 'context_tokens' | 'max_audio_seconds'

/**
 * Under a spend limit, a model with a price whose requests have no bound, because the configuration
 * lacks a setting.
 */
export const modelNeedsSetting = (match: string, setting: ModelSize) =>
  new ApiError(
    400,
    `A spend limit applies, and what this request costs at most is not known: set \`${setting}\` of \`${match}\` under \`models:\` in the server's configuration${setting === 'max_output_tokens' ? ', or name a maximum in the request' : ''}.`,
    { param: 'model', code: 'model_without_bound' },
  )

/** Under a spend limit, a call that is not metered, of a model with a price. */
export const callWithoutBound = () =>
  new ApiError(
    400,
    'A spend limit applies, and nobody can say what this call costs: it is not metered, and its model has a price. Use a key of a project without a spend limit, in an organization without one.',
    { code: 'call_without_bound' },
  )

/** A request that names no model, in a project whose limits depend on the model. */
export const modelNeeded = () =>
  new ApiError(400, 'You must provide a model: limits of your project depend on it.', {
    param: 'model',
    code: 'missing_required_parameter',
  })

/**
 * A request that names other models beside its own, in a project whose limits depend on the model.
 */
export const oneModelOnly = (param: string) =>
  new ApiError(400, `Limits of your project depend on the model: leave '${param}' out, which can name others.`, {
    param,
    code: 'several_models',
  })

/**
 * Limits apply, and the storage that counts them cannot be reached. Nothing was forwarded. The
 * cause is for the log.
 */
export const limitsUnreachable = (cause: unknown) =>
  new ApiError(503, 'The server cannot reach the storage that counts limits right now; try again in a moment.', {
    code: 'limits_unreachable',
    headers: { 'retry-after': '1' },
    cause,
  })
