/**
 * The typed client of Keyhall and of OpenAI's Administration API, derived from the contract: it
 * stands in for the official SDK.
 */
import type { contract } from '../contract/index.ts'
import type { Operation } from '../contract/kit.ts'
import { fillPath, queryString } from './address.ts'
import * as errors from './api-errors.ts'
import { Exchange, type Fetch } from './exchange.ts'
import { mergeHeaders, type HeadersLike } from './request-headers.ts'
import { calls } from './calls.ts'
import { pathParams, type Call } from './client-call.ts'
import { methodsOf, type Answer, type Input, type Methods, type RequestOptions } from './methods.ts'
import { PagePromise } from './page.ts'
import { APIPromise } from './promise.ts'

export * from './api-errors.ts'
export { calls } from './calls.ts'
export type { Call } from './client-call.ts'
export type { Operation } from '../contract/kit.ts'
export type { Fetch } from './exchange.ts'
export type { HeadersLike } from './request-headers.ts'
export type { Answer, Input, Method, Methods, RequestOptions } from './methods.ts'
export { Page, PagePromise } from './page.ts'
export { APIPromise, type WithRequestID } from './promise.ts'

export interface ClientOptions {
  /**
   * `sk-admin-…`; by default, what the environment has as OPENAI_ADMIN_KEY. With null, only what
   * goes without a key can be called.
   */
  adminAPIKey?: string | null
  /**
   * Calls with the cookie of a session, as the pages of a server's own console do; no key is sent.
   */
  session?: boolean
  /**
   * Ends in `/v1`; by default, what the environment has as OPENAI_BASE_URL, else
   * http://127.0.0.1:4100/v1.
   */
  baseURL?: string | null
  /** Milliseconds for each attempt; by default, ten minutes. */
  timeout?: number
  /** How many times a call is sent again when that can help; by default, twice. */
  maxRetries?: number
  defaultHeaders?: HeadersLike
  /** Sends the requests; by default, the platform's own `fetch`. */
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
  #session: boolean
  #fetch: Fetch

  constructor({
    adminAPIKey,
    session = false,
    baseURL,
    timeout,
    maxRetries,
    defaultHeaders,
    fetch,
  }: ClientOptions = {}) {
    if (session && adminAPIKey) throw new errors.KeyhallError('Give adminAPIKey or session, not both.')
    const key = session ? null : adminAPIKey === undefined ? environment('OPENAI_ADMIN_KEY') : adminAPIKey
    this.baseURL = (baseURL || environment('OPENAI_BASE_URL') || 'http://127.0.0.1:4100/v1').replace(/\/+$/, '')
    this.timeout = timeout ?? 600_000
    this.maxRetries = maxRetries ?? 2
    this.#session = session
    const identity = session ? { 'x-keyhall-console': '1' } : key ? bearer(key) : {}
    this.#headers = mergeHeaders({ accept: 'application/json' }, identity, defaultHeaders)
    this.#fetch = fetch ?? ((url, init) => globalThis.fetch(url, init))
    if (!session && adminAPIKey !== null && !this.#headers.has('authorization')) throw missingKey()
    if (!URL.canParse(this.baseURL))
      throw new errors.KeyhallError('baseURL must be a whole URL, such as http://127.0.0.1:4100/v1.')
    this.admin = methodsOf(calls, (call, input, options) => this.request(call, input, options)) as Admin
  }

  /**
   * Calls an operation by its values in one flat object; all methods under `admin` come here.
   * `calls` has one for each operation.
   */
  request<O extends Operation>(call: Call<O>, input: Input<O>, options: RequestOptions = {}): Answer<O> {
    const { path, query, body } = this.#parts(call, input as Record<string, unknown>)
    // An operation that needs no key is not sent one.
    const key = call.needsKey ? {} : { authorization: null }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const headers = mergeHeaders(this.#headers, key, type, options.headers)
    if (call.needsKey && !this.#session && !headers.has('authorization')) throw missingKey()

    const send = (query: Record<string, unknown>): APIPromise<unknown> => {
      const exchange = new Exchange({
        fetch: this.#fetch,
        url: this.baseURL + path + queryString(query),
        method: call.method,
        headers,
        body,
        timeout: options.timeout ?? this.timeout,
        maxRetries: options.maxRetries ?? this.maxRetries,
        signal: options.signal,
      })
      return call.isList
        ? new PagePromise(exchange, (after) => send({ ...query, after }))
        : new APIPromise(exchange, (result) => result)
    }
    return send({ ...query, ...options.query }) as Answer<O>
  }

  /**
   * Where each value goes: into the path, the query or the body. A POST's members that the contract
   * does not know go into its body.
   */
  #parts(call: Call, input: Record<string, unknown>) {
    const path = fillPath(call.path, input)
    const inPath = pathParams(call)
    const others = Object.entries(input).filter(([name]) => !inPath.includes(name))
    const isInQuery = (name: string) => call.method !== 'POST' || call.query.includes(name)
    const query = Object.fromEntries(others.filter(([name]) => isInQuery(name)))
    const members = others.filter(([name]) => !isInQuery(name))
    const hasBody = call.body.length > 0 || members.length > 0
    return { path, query, body: hasBody ? JSON.stringify(Object.fromEntries(members)) : undefined }
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

/** The header with the key. Throws an error without the key in it: the platform's would have it. */
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
    // Deno throws where the program has no permission to read it.
    return undefined
  }
}
