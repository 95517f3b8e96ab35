/**
 * What the client knows of an operation while it runs: how to send it. The types come from the
 * contract.
 */
import type { Operation } from '../contract/kit.ts'

export interface Call<O extends Operation = Operation> {
  method: 'GET' | 'POST' | 'DELETE'
  /** Below `/v1`, parameters in braces. */
  path: string
  /** The names of the members that go into the query. */
  query: readonly string[]
  /** The names of the members that go into the body. */
  body: readonly string[]
  /** Whether it needs an admin key. */
  needsKey: boolean
  /** Whether it answers a page of a list, from which the next one can be fetched. */
  isList: boolean
  /** Carries the operation's types; no value has it. */
  readonly types?: O
}

/** A tree of calls, as the contract is a tree of operations. */
export type Calls<Node> = Node extends Operation ? Call<Node> : { [Name in keyof Node]: Calls<Node[Name]> }

export interface CallTree {
  [name: string]: CallTree | Call
}

export const isCall = (node: CallTree | Call): node is Call => typeof node.method === 'string'

/**
 * How an operation of the contract is called. `npm run docs` writes the answers for all of them
 * into `calls.ts`.
 */
export function callOf<O extends Operation>({ method, path, query, body, can, returns }: O): Call<O> {
  return {
    method,
    path,
    query: Object.keys(query.properties),
    body: Object.keys(body.properties),
    needsKey: can !== null,
    isList: isEnvelope(returns),
  }
}

/** Whether an answer is an envelope of objects. Buckets of usage name themselves `page` instead. */
function isEnvelope(returns: Operation['returns']) {
  const { properties } = returns as { properties?: Record<string, { const?: unknown }> }
  const name = properties?.object?.const
  return typeof name === 'string' && name !== 'page' && 'data' in properties!
}

/** The names in braces in a path, in order. */
export const pathParams = ({ path }: Pick<Call, 'path'>) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
