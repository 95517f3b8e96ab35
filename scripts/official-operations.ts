/**
 * `node bin/bun.js scripts/official-operations.ts`: writes `contract/official-operations.ts` from
 * the official SDK that is installed. A test fails when the two differ.
 */
import { writeFileSync } from 'node:fs'
import { officialOperations } from '../test/conformance/official.ts'

export async function officialOperationsFile(): Promise<string> {
  const rows = [...(await officialOperations())].map(([name, { method, path }]) => `  '${name}': '${method} ${path}',`)
  return `/**
 * Every operation of the OpenAI Administration API, by its name in the official SDK. Written by
 * \`scripts/official-operations.ts\`; all of them are in the contract.
 */
export const officialOperations: Readonly<Record<string, string>> = {
${rows.map((row) => row.replace(/^ {2}'(\w+)':/, '  $1:')).join('\n')}
}
`
}

if (import.meta.main) writeFileSync('contract/official-operations.ts', await officialOperationsFile())
