/** The typed client of Keyhall and of OpenAI's Administration API, derived from the contract: it stands in for the official SDK. */
import { contract } from '../contract/index.ts'
import type { Operation } from '../contract/kit.ts'
import { fillPath, queryString } from './address.ts'
import * as errors from './errors.ts'
import { Exchange, type Fetch } from './exchange.ts'
import { mergeHeaders, type HeadersLike } from './headers.ts'
import { methodsOf, pathParams, type Answer, type Input, type Methods, type RequestOptions } from './methods.ts'
import { PagePromise } from './page.ts'
import { APIPromise } from './promise.ts'

export * from './errors.ts'
export { contract } from '../contract/index.ts'
export type { Operation } from '../contract/kit.ts'
export type { Fetch } from './exchange.ts'
export type { HeadersLike } from './headers.ts'
export type { Answer, Input, Method, Methods, RequestOptions } from './methods.ts'
export { Page, PagePromise } from './page.ts'
export { APIPromise, type WithRequestID } from './promise.ts'

export interface ClientOptions {
  /** `sk-admin-…`; by default, what the environment has as OPENAI_ADMIN_KEY. With null, only what goes without a key can be called. */
  adminAPIKey?: string | null
  /** Ends in `/v1`; by default, what the environment has as OPENAI_BASE_URL, else http://127.0.0.1:4100/v1. */
  baseURL?: string | null
  /** Milliseconds for each attempt; by default, ten minutes. */
  timeout?: number
  /** How often a call that failed for a passing reason is sent again; by default, twice. */
  maxRetries?: number
  defaultHeaders?: HeadersLike
  /** What carries the requests; by default, the platform's own. */
  fetch?: Fetch
}

type Admin = Methods<typeof contract.admin>

export class Keyhall {
  readonly baseURL: string
  readonly timeout: number
  readonly maxRetries: number
  /** Every operation, in the places and with the signatures of the official SDK. */
  readonly admin: Admin
  #headers: Headers
  #fetch: Fetch

  constructor({ adminAPIKey, baseURL, timeout, maxRetries, defaultHeaders, fetch }: ClientOptions = {}) {
    const key = adminAPIKey === undefined ? environment('OPENAI_ADMIN_KEY') : adminAPIKey
    this.baseURL = (baseURL || environment('OPENAI_BASE_URL') || 'http://127.0.0.1:4100/v1').replace(/\/+$/, '')
    this.timeout = timeout ?? 600_000
    this.maxRetries = maxRetries ?? 2
    this.#headers = mergeHeaders({ accept: 'application/json' }, key ? bearer(key) : {}, defaultHeaders)
    this.#fetch = fetch ?? ((url, init) => globalThis.fetch(url, init))
    if (adminAPIKey !== null && !this.#headers.has('authorization')) throw missingKey()
    if (!URL.canParse(this.baseURL))
      throw new errors.KeyhallError('baseURL must be a whole URL, such as http://127.0.0.1:4100/v1.')
    this.admin = methodsOf(contract.admin, (operation, input, options) => this.request(operation, input, options))
  }

  /** Calls an operation of the contract by its values in one flat object; all methods under `admin` come here. */
  request<O extends Operation>(operation: O, input: Input<O>, options: RequestOptions = {}): Answer<O> {
    const values = { ...input } as Record<string, unknown>
    const path = fillPath(operation.path, values)
    for (const name of pathParams(operation)) delete values[name]
    const inQuery = (name: string) => operation.method !== 'POST' || Object.hasOwn(operation.query.properties, name)
    const entries = Object.entries(values)
    const query = { ...Object.fromEntries(entries.filter(([name]) => inQuery(name))), ...options.query }
    const body = Object.fromEntries(entries.filter(([name]) => !inQuery(name)))
    const hasBody = Object.keys(operation.body.properties).length > 0 || Object.keys(body).length > 0

    const type = hasBody ? { 'content-type': 'application/json' } : {}
    // What goes without a key is not sent one.
    const key = operation.can === null ? { authorization: null } : {}
    const headers = mergeHeaders(this.#headers, key, type, options.headers)
    if (operation.can !== null && !headers.has('authorization')) throw missingKey()

    const send = (query: Record<string, unknown>): APIPromise<unknown> => {
      const exchange = new Exchange({
        fetch: this.#fetch,
        url: this.baseURL + path + queryString(query),
        method: operation.method,
        headers,
        body: hasBody ? JSON.stringify(body) : undefined,
        timeout: options.timeout ?? this.timeout,
        maxRetries: options.maxRetries ?? this.maxRetries,
        signal: options.signal,
      })
      return isList(operation)
        ? new PagePromise(exchange, (after) => send({ ...query, after }))
        : new APIPromise(exchange, (result) => result)
    }
    return send(query) as Answer<O>
  }

  static readonly KeyhallError = errors.KeyhallError
  static readonly APIError = errors.APIError
  static readonly APIConnectionError = errors.APIConnectionError
  static readonly APIConnectionTimeoutError = errors.APIConnectionTimeoutError
  static readonly APIUserAbortError = errors.APIUserAbortError
  static readonly BadRequestError = errors.BadRequestError
  static readonly AuthenticationError = errors.AuthenticationError
  static readonly PermissionDeniedError = errors.PermissionDeniedError
  static readonly NotFoundError = errors.NotFoundError
  static readonly ConflictError = errors.ConflictError
  static readonly UnprocessableEntityError = errors.UnprocessableEntityError
  static readonly RateLimitError = errors.RateLimitError
  static readonly InternalServerError = errors.InternalServerError
}

export default Keyhall

const missingKey = () => new errors.KeyhallError('The admin key is missing: give adminAPIKey, or set OPENAI_ADMIN_KEY.')

/** Whether the answer is an envelope of objects; buckets of usage call themselves `page` and are walked by whoever asked. */
function isList({ returns }: Operation) {
  const { properties } = returns as { properties?: Record<string, { const?: unknown }> }
  return properties?.object?.const === 'list' && 'data' in properties
}

/** The header with the key. Throws without saying the key, which the platform's own error would. */
function bearer(key: string) {
  if (!/^[\x21-\x7e]+$/.test(key.trim()))
    throw new errors.KeyhallError('The admin key has characters that no key has, such as a space or a line break.')
  return { authorization: `Bearer ${key.trim()}` }
}

/** A variable of the environment, where there is one. */
function environment(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  try {
    return process?.env?.[name]?.trim() || undefined
  } catch {
    // Deno asks for a permission to read it; without, there is none.
    return undefined
  }
}
