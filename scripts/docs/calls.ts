/**
 * `client/calls.ts`: the contract as far as the client needs it at run time, so that its bundle has
 * no sentences and no schemas.
 */
import { callOf, type Call } from '../../client/client-call.ts'
import { contract, isOperation, type Tree } from '../../contract/index.ts'

export const callsFile = () => `/**
 * How each operation is called. Written by \`npm run docs\` from \`contract/\`; a check fails when
 * it is out of date.
 */
import type { contract } from '../contract/index.ts'
import type { Calls } from './client-call.ts'

const [none, key, list] = [[], { needsKey: true, isList: false }, { needsKey: true, isList: true }] as const

export const calls: Calls<typeof contract.admin> = ${treeText(contract.admin, '')}
`

function treeText(tree: Tree, indent: string): string {
  const lines = Object.entries(tree).map(
    ([name, node]) =>
      `${indent}  ${name}: ${isOperation(node) ? callText(callOf(node)) : treeText(node, `${indent}  `)},\n`,
  )
  return `{\n${lines.join('')}${indent}}`
}

function callText({ method, path, query, body, needsKey, isList }: Call): string {
  const rest = needsKey ? (isList ? '...list' : '...key') : `needsKey: false, isList: ${isList}`
  return `{ method: '${method}', path: '${path}', query: ${names(query)}, body: ${names(body)}, ${rest} }`
}

const names = (some: readonly string[]) =>
  some.length === 0 ? 'none' : `[${some.map((name) => `'${name}'`).join(', ')}]`
