/**
 * `TEST_OPENAI_DOCUMENT=openapi.json node bin/bun.js scripts/openai-facts.ts`: writes from OpenAI's
 * published document what the conformance test compares with: names, types, values and bounds of
 * the members of each operation, and no sentence.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { officialOperations } from '../contract/official-operations.ts'
import type { OpenApi } from '../test/conformance/openapi-document.ts'
import { factsIn, storedFacts } from '../test/conformance/operation-facts.ts'

/** The text of `test/conformance/openai-facts.json`, one operation a line. */
export function openAiFacts(document: OpenApi): string {
  const rows = Object.values(officialOperations).flatMap((operation) => {
    const facts = factsIn(document, ...(operation.split(' ') as [string, string]))
    return facts ? [`${JSON.stringify(operation)}: ${JSON.stringify(storedFacts(facts))}`] : []
  })
  return `{\n${rows.join(',\n')}\n}\n`
}

if (import.meta.main) {
  const file = process.env.TEST_OPENAI_DOCUMENT
  if (!file) throw new Error('TEST_OPENAI_DOCUMENT must name a copy of OpenAI’s OpenAPI document.')
  const document = JSON.parse(readFileSync(file, 'utf8')) as OpenApi
  writeFileSync('test/conformance/openai-facts.json', openAiFacts(document))
}
