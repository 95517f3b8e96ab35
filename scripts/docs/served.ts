/**
 * The operations of the official API, all of which are served: a page of the reference, and their
 * resources in the README.
 */
import { officialOperations } from '../../contract/official-operations.ts'
import type { Page } from './page.ts'
import { linkTo } from './resources.ts'
import { table } from './schema.ts'

const [BEGIN, END] = ['<!-- begin: served operations, by npm run docs -->', '<!-- end -->']

const names = Object.keys(officialOperations)

/** The resources in the order of the SDK, each with its operations. */
const resources = () => [...Map.groupBy(names, (name) => name.split('.').slice(0, -1).join('.'))]

export function servedPage(): Page {
  const rows = resources().map(([resource, all]) => [`\`${resource}\``, all.map(linkTo).join(', ')])
  const text = `# Served operations

Keyhall serves all ${names.length} operations of the OpenAI Administration API, by the names of the official SDK.

${table(['resource', 'operations'], rows)}
`
  return {
    file: 'served-operations.md',
    title: 'Served operations',
    about: 'the operations of the official API.',
    text,
  }
}

/** The README with what stands between its two marks written anew. */
export function readme(page: string): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error(`README.md must contain "${BEGIN}" and, after it, "${END}".`)
  const all = resources().map(([resource]) => `\`${resource}\``)
  const sentence = `All ${names.length} operations of the official API are served; [each one](docs/reference/served-operations.md) is in the reference`
  return `${before}${BEGIN}\n\n${sentence}: ${all.join(', ')}.\n\n${END}${after}`
}
