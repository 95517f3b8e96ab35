/** The contract as methods with the call signatures of the official SDK: the types by mapping over the tree, the code by walking it. */
import { isOperation, type Tree } from '../contract/index.ts'
import type { Body, Operation, Output, PathParam, Query } from '../contract/kit.ts'
import type { HeadersLike } from './headers.ts'
import type { Page, PagePromise } from './page.ts'
import type { APIPromise } from './promise.ts'

export interface RequestOptions {
  /** Milliseconds for each attempt. */
  timeout?: number
  maxRetries?: number
  signal?: AbortSignal | null
  /** Over the client's own; null takes one away. */
  headers?: HeadersLike
  /** Further members of the query. */
  query?: object | null
}

/** The values of an operation as one flat object: path, query and body. */
export type Input<O extends Operation> = Record<PathParam<O['path']>, string> & Query<O> & Body<O>

/** What a call of the operation returns: of a list, a promise of a page; else, a promise of the object. */
export type Answer<O extends Operation> =
  Output<O> extends { object: 'list'; data: (infer Item)[] }
    ? PagePromise<Page<Item> & Members<Output<O>>, Item>
    : APIPromise<Output<O>>

type Members<Envelope> = {
  [Name in keyof Envelope]: Name extends 'last_id' ? NonNullable<Envelope[Name]> : Envelope[Name]
}

/** The tree of methods. */
export type Methods<Node> = Node extends Operation ? Method<Node> : { [Name in keyof Node]: Methods<Node[Name]> }

/** The last path parameter stands first; the others are members of the parameters, if there are any. */
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

/** Keeps options out of the place of parameters where one could be meant for the other. */
type NoOptions<Given> = { [Name in Exclude<keyof RequestOptions, keyof Given>]?: never }

type LastParam<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? [LastParam<Rest>] extends [never]
    ? Name
    : LastParam<Rest>
  : never

type Values = Record<string, unknown>

export type Request = (operation: Operation, input: Values, options?: RequestOptions) => unknown

/** The methods of a tree, each of which makes a request. */
export const methodsOf = <Node extends Tree>(tree: Node, request: Request): Methods<Node> =>
  Object.fromEntries(
    Object.entries(tree).map(([name, node]) => [
      name,
      isOperation(node) ? method(node, request) : methodsOf(node, request),
    ]),
  ) as Methods<Node>

function method(operation: Operation, request: Request) {
  const ids = pathParams(operation)
  const last = ids.at(-1)
  const known = [...ids.slice(0, -1), ...membersOf(operation)]
  return (...args: unknown[]) => {
    const id = last === undefined ? {} : { [last]: args.shift() }
    const [params, options] =
      known.length === 0 ? [{}, args[0]] : optionsAlone(args, known) ? [{}, args[0]] : [args[0], args[1]]
    return request(operation, { ...(params as Values), ...id }, (options ?? {}) as RequestOptions)
  }
}

const optionNames = ['timeout', 'maxRetries', 'signal', 'headers', 'query'] satisfies (keyof RequestOptions)[]

/** Whether options stand in the place of the parameters. Throws TypeError where both are mixed in one object. */
function optionsAlone([first, second]: unknown[], known: string[]): boolean {
  const given = Object.entries((first ?? {}) as Values).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  const options = given.filter((name) => !known.includes(name) && (optionNames as string[]).includes(name))
  if (options.length === 0) return false
  if (options.length < given.length || second !== undefined)
    throw new TypeError(`${options.join(' and ')} belong in the request options, which are an argument of their own.`)
  return true
}

/** The names in braces in the path of an operation, in order. */
export const pathParams = ({ path }: Operation) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)

const membersOf = ({ query, body }: Operation) => [query, body].flatMap((schema) => Object.keys(schema.properties))
