/**
 * Which operations of the official API are served: a page of the reference, and the same table in
 * the README.
 */
import { operations } from '../../contract/index.ts'
import { officialOperations } from '../../contract/official-operations.ts'
import type { Page } from './page.ts'
import { linkTo } from './resources.ts'
import { table } from './schema.ts'

const [BEGIN, END] = ['<!-- begin: served operations, by npm run docs -->', '<!-- end -->']

const served = new Set(operations.map(({ name }) => name))
const names = Object.keys(officialOperations)
const count = `${names.filter((name) => served.has(name)).length} of the ${names.length} operations`

/**
 * The resources in the order of the SDK, each with the operations that are served and those that
 * are not.
 */
function resources() {
  const all = new Map<string, { served: string[]; missing: string[] }>()
  for (const name of names) {
    const resource = name.split('.').slice(0, -1).join('.')
    const row = all.get(resource) ?? { served: [], missing: [] }
    all.set(resource, row)
    ;(served.has(name) ? row.served : row.missing).push(name)
  }
  return [...all]
}

const method = (name: string) => `\`${name.split('.').at(-1)}\``

export function servedPage(): Page {
  const rows = resources().map(([resource, { served, missing }]) => [
    `\`${resource}\``,
    served.map(linkTo).join(', '),
    missing.map(method).join(', '),
  ])
  const text = `# Served operations

Keyhall serves ${count} of the OpenAI Administration API, by the names of the official SDK. One that is not served answers 404
\`operation_not_served\`.

${table(['resource', 'served', 'not served'], rows)}
`
  return {
    file: 'served-operations.md',
    title: 'Served operations',
    about: 'which operations of the official API there are.',
    text,
  }
}

/** The README with the table between its two marks written anew. */
export function readme(page: string): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error(`README.md must contain "${BEGIN}" and, after it, "${END}".`)
  const inWords = (some: [string, unknown][]) => some.map(([resource]) => `\`${resource}\``).join(', ')
  const all = resources()
  const whole = all.filter(([, { missing }]) => missing.length === 0)
  const none = all.filter(([, { served }]) => served.length === 0)
  const part = all.filter((row) => !whole.includes(row) && !none.includes(row))
  const rows = [
    ['served', inWords(whole)],
    ...(part.length > 0 ? [['served in part', inWords(part)]] : []),
    ['not served yet', inWords(none)],
  ].filter(([, text]) => text)
  const list = rows.map(([what, text]) => `- ${what}: ${text}`).join('\n')
  return `${before}${BEGIN}\n\nOf the official API, ${count} are served; [each one](docs/reference/served-operations.md) is in the reference.\n\n${list}\n\n${END}${after}`
}
