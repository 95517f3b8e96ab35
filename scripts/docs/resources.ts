/**
 * One page per resource of the contract: its object, and each operation with all that a caller
 * needs.
 */
import { kebab } from '../../cli/commands.ts'
import { contract, isOperation, type Tree } from '../../contract/index.ts'
import type { Operation } from '../../contract/kit.ts'
import type { Page } from './page.ts'
import { joined, members, table, typeInWords, type Schema } from './schema.ts'

export const resourcePages = (): Page[] => resources(contract.admin.organization, []).map(page)

interface Resource {
  /** As in the contract's tree: `['projects', 'apiKeys']`. */
  path: string[]
  operations: [name: string, operation: Operation][]
}

function resources(tree: Tree, path: string[]): Resource[] {
  const nodes = Object.entries(tree)
  const operations = nodes.filter((node): node is [string, Operation] => isOperation(node[1]))
  const deeper = nodes.flatMap(([name, node]) => (isOperation(node) ? [] : resources(node, [...path, name])))
  return operations.length > 0 ? [{ path, operations }, ...deeper] : deeper
}

const words = (name: string) =>
  kebab(name)
    .replaceAll('-', ' ')
    .replace(/\bapi\b/g, 'API')

export const fileOf = (path: string[]) => `${path.map(kebab).join('-')}.md`
const titleOf = (path: string[]) =>
  path
    .map(words)
    .join(', ')
    .replace(/^./, (first) => first.toUpperCase())

/** A link to the section of an operation, given its name in the tree. */
export function linkTo(name: string) {
  const path = name.split('.')
  return `[\`${name}\`](${fileOf(path.slice(0, -1))}#${path.at(-1)!.toLowerCase()})`
}

function page({ path, operations }: Resource): Page {
  const object = operations.map(([, { returns }]) => itemOf(returns)).find((schema) => !isDeletion(schema))
  const title = titleOf(path)
  const about = object?.description ?? operations.map(([, operation]) => operation.about).join(' ')
  const sections = operations.map(([name, operation]) => section(path, name, operation, object))
  const shown = object?.properties
    ? `## The object\n\n${table(['member', 'type', 'always there', 'meaning'], members(object))}\n`
    : ''
  const intro = object?.description ? `${object.description}\n\n` : ''
  return { file: fileOf(path), title, about, text: [`# ${title}\n\n${intro}${shown}`, ...sections].join('\n') }
}

function section(path: string[], name: string, operation: Operation, object: Schema | undefined): string {
  const { method, about, can, reach, audit, query, body, extension } = operation
  const facts = [
    ['SDK', `\`${sdkCall(path, name, operation)}\``],
    ['command line', `\`${command(path, name, operation)}\``],
    ['scope', can === null ? 'none: the call goes without a key' : `\`${can}\``],
    ...(can !== null && reach !== 'organization' ? [['people who are signed in', peopleWho[reach]]] : []),
    ['audit events', audit.map((event) => `\`${event}\``).join(', ') || 'none'],
  ]
  const note = extension
    ? ["**An extension of Keyhall:** OpenAI has no such operation; the official SDK lacks it, Keyhall's client has it."]
    : []
  const fields = (title: string, schema: Schema) =>
    Object.keys(schema.properties ?? {}).length > 0
      ? [`${title}\n\n${table(['name', 'type', 'required', 'meaning'], members(schema))}`]
      : []
  return `${[
    `## ${name}`,
    about,
    ...note,
    `\`\`\`http\n${method} /v1${operation.path}\n\`\`\``,
    facts.map(([what, value]) => `- ${what}: ${value}`).join('\n'),
    ...fields('Query parameters:', query as Schema),
    ...fields('Members of the body:', body as Schema),
    answer(operation.returns as Schema, object),
  ].join('\n\n')}\n`
}

/** Who may call it with a session, beside those who hold the permission in the organization. */
const peopleWho = {
  project: 'also those who hold that permission in the project',
  own: 'everybody, for what is their own',
  filtered:
    'also those who hold that permission in all projects of `project_ids`, and everybody whose `user_ids` names only themselves',
}

/** What an operation answers, in terms of the object of its page where it can be. */
function answer(returns: Schema, object: Schema | undefined): string {
  const item = itemOf(returns)
  const envelope = Object.keys(returns.properties ?? {}).filter((name) => name !== 'data' && name !== 'object')
  const page =
    item === returns ? '' : `A list in \`data\`, beside it ${envelope.map((name) => `\`${name}\``).join(', ')}. `
  if (item === object || JSON.stringify(item) === JSON.stringify(object))
    return page ? `Answer: ${page}Each item is the object.` : 'Answer: the object.'
  const own = Object.keys(object?.properties ?? {})
  const extra = Object.keys(item.properties ?? {}).filter((name) => !own.includes(name))
  const same = own.every(
    (name) => JSON.stringify(item.properties?.[name]) === JSON.stringify(object!.properties![name]),
  )
  if (own.length > 0 && same) {
    const { properties = {}, required = [] } = item
    const rest = { properties: Object.fromEntries(extra.map((name) => [name, properties[name]!])), required }
    return `Answer: ${page}The object, and besides:\n\n${table(['member', 'type', 'always there', 'meaning'], members(rest))}`
  }
  return item.properties
    ? `Answer: ${page}\n\n${table(['member', 'type', 'always there', 'meaning'], members(item))}`.replace(': \n', ':\n')
    : `Answer: ${page}${typeInWords(item)}.`
}

const itemOf = (returns: unknown): Schema => {
  const schema = returns as Schema
  return joined(schema.properties?.data?.items ?? schema)
}

const isDeletion = ({ properties }: Schema) => properties?.deleted !== undefined

/**
 * As the official SDK has it: the last path parameter first, the others in the parameters object.
 */
function sdkCall(path: string[], name: string, operation: Operation) {
  const inPath = pathParameters(operation)
  const last = inPath.pop()
  const sent = (schema: Schema) => schema.required ?? []
  const named = [...inPath, ...sent(operation.query as Schema), ...sent(operation.body as Schema)]
  const first = last?.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()).replace(/Id$/, 'ID')
  const args = [first, named.length > 0 && `{ ${named.join(', ')} }`].filter(Boolean)
  return `client.admin.organization.${[...path, name].join('.')}(${args.join(', ')})`
}

function command(path: string[], name: string, operation: Operation) {
  const required = [
    ...pathParameters(operation),
    ...((operation.query as Schema).required ?? []),
    ...((operation.body as Schema).required ?? []),
  ]
  const flags = required.map((one) => ` --${one.replaceAll('_', '-')} …`)
  return `keyhall ${[...path, name].map(kebab).join(' ')}${flags.join('')}`
}

const pathParameters = ({ path }: Operation) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
