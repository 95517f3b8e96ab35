/**
 * The operations as methods with the call signatures of the official SDK: types by mapping over the
 * contract, code by walking the calls.
 */
import type { Operation, Output, PathParam, Query, SentBody } from '../contract/kit.ts'
import { isCall, pathParams, type Call, type CallTree } from './client-call.ts'
import type { HeadersLike } from './request-headers.ts'
import type { Page, PagePromise } from './page.ts'
import type { APIPromise } from './promise.ts'

export interface RequestOptions {
  /** Milliseconds for each attempt. */
  timeout?: number
  maxRetries?: number
  signal?: AbortSignal | null
  /** These win over the client's own; null removes one. */
  headers?: HeadersLike
  /** Further members of the query. */
  query?: object | null
}

/** The values of an operation as one flat object: path, query and body. */
export type Input<O extends Operation> = Record<PathParam<O['path']>, string> & Query<O> & SentBody<O>

/**
 * What a method returns: for a list a promise of a page, else a promise of the object.
 */
export type Answer<O extends Operation> =
  Output<O> extends { object: Envelope; data: (infer Item)[] }
    ? PagePromise<Page<Item> & Members<Output<O>>, Item>
    : APIPromise<Output<O>>

/** Lists, and what names the objects that it has changed, which the SDK also takes for a page. */
type Envelope = 'list' | `${string}.activation` | `${string}.deactivation`

type Members<Envelope> = {
  [Name in keyof Envelope]: Name extends 'last_id' ? NonNullable<Envelope[Name]> : Envelope[Name]
}

/** The tree of methods. */
export type Methods<Node> = Node extends Operation ? Method<Node> : { [Name in keyof Node]: Methods<Node[Name]> }

/**
 * The last path parameter stands first; the others are members of the parameters, if there are any.
 */
export type Method<O extends Operation> = [LastParam<O['path']>] extends [never]
  ? Arguments<O, [], never>
  : Arguments<O, [id: string], LastParam<O['path']>>

type Arguments<O extends Operation, Id extends [id?: string], Named extends string> =
  Parameters<O, Named> extends infer Given
    ? [keyof Given] extends [never]
      ? (...args: [...Id, options?: RequestOptions]) => Answer<O>
      : {} extends Given
        ? {
            (...args: [...Id, params?: (Given & NoOptions<Given>) | null, options?: RequestOptions]): Answer<O>
            (...args: [...Id, options?: RequestOptions]): Answer<O>
          }
        : (...args: [...Id, params: Given, options?: RequestOptions]) => Answer<O>
    : never

type Parameters<O extends Operation, Named extends string> = Omit<Input<O>, Named>

/** Makes request options in the place of parameters a type error. */
type NoOptions<Given> = { [Name in Exclude<keyof RequestOptions, keyof Given>]?: never }

type LastParam<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? [LastParam<Rest>] extends [never]
    ? Name
    : LastParam<Rest>
  : never

type Values = Record<string, unknown>

export type Request = (call: Call, input: Values, options?: RequestOptions) => unknown

/** Makes a method of each call of a tree. */
export const methodsOf = (tree: CallTree, request: Request): unknown =>
  Object.fromEntries(
    Object.entries(tree).map(([name, node]) => [name, isCall(node) ? method(node, request) : methodsOf(node, request)]),
  )

function method(call: Call, request: Request) {
  const ids = pathParams(call)
  const last = ids.at(-1)
  const known = [...ids.slice(0, -1), ...call.query, ...call.body]
  return (...args: unknown[]) => {
    const id = last === undefined ? {} : { [last]: args.shift() }
    const hasNoParams = known.length === 0 || isOptions(args, known)
    const [params, options] = hasNoParams ? [{}, args[0]] : [args[0], args[1]]
    return request(call, { ...(params as Values), ...id }, (options ?? {}) as RequestOptions)
  }
}

const optionNames = ['timeout', 'maxRetries', 'signal', 'headers', 'query'] satisfies (keyof RequestOptions)[]

/**
 * Whether the first argument is the options, in the place of the parameters. Throws TypeError where
 * both are mixed in one object.
 */
function isOptions([first, second]: unknown[], known: string[]): boolean {
  const given = Object.entries((first ?? {}) as Values).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  const options = given.filter((name) => !known.includes(name) && (optionNames as string[]).includes(name))
  if (options.length === 0) return false
  if (options.length < given.length || second !== undefined)
    throw new TypeError(`${options.join(' and ')} belong in the request options, which are an argument of their own.`)
  return true
}
