/**
 * The generated part of docs/divergences.md: the accepted differences that the conformance test
 * holds against OpenAI's document.
 */
import { accepted } from '../../test/conformance/differences.ts'
import { table } from './schema.ts'

const [BEGIN, END] = ['<!-- begin: test/conformance/differences.ts -->', '<!-- end -->']

/** The page with the table between its two marks written anew. */
export function divergences(page: string): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error(`docs/divergences.md must contain "${BEGIN}" and, after it, "${END}".`)
  const rows = accepted.map(({ operation, where, what, why }) => [`\`${operation}\``, `\`${where}\``, what, why])
  return `${before}${BEGIN}\n\n${table(['operation', 'where', 'what', 'why'], rows)}\n\n${END}${after}`
}
