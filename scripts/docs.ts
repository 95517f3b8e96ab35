/**
 * `npm run docs`: writes what the contract and the settings say as pages for people, and as calls
 * for the client.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { callsFile } from './docs/calls.ts'
import { divergences } from './docs/divergences.ts'
import { withMap } from './docs/map.ts'
import { auditEventsPage, errorsPage, gatewayFilePage, permissionsPage, settingsPage } from './docs/lists.ts'
import { metricsPage } from './docs/metrics-page.ts'
import type { Page } from './docs/page.ts'
import { resourcePages } from './docs/resources.ts'
import { readme, servedPage } from './docs/served.ts'

const FOLDER = 'docs/reference'
const README = 'README.md'
const DIVERGENCES = 'docs/divergences.md'
const ARCHITECTURE = 'docs/architecture.md'
const CALLS = 'client/calls.ts'

/** Every generated file with its text. */
export function pages(): Record<string, string> {
  const resources = resourcePages()
  const configured = [settingsPage(), gatewayFilePage(), metricsPage()]
  const lists = [servedPage(), ...configured, errorsPage(), auditEventsPage(), permissionsPage()]
  const all = [index(resources, lists), ...resources, ...lists]
  return {
    ...Object.fromEntries(all.map(({ file, text }) => [`${FOLDER}/${file}`, text])),
    [CALLS]: callsFile(),
    [ARCHITECTURE]: withMap(readFileSync(ARCHITECTURE, 'utf8')),
    [README]: readme(readFileSync(README, 'utf8')),
    [DIVERGENCES]: divergences(existsSync(DIVERGENCES) ? readFileSync(DIVERGENCES, 'utf8') : ''),
  }
}

const index = (resources: Page[], lists: Page[]): Page => {
  const entries = (some: Page[]) => some.map(({ file, title, about }) => `- [${title}](${file}): ${about}`).join('\n')
  const text = `# Reference

Written by \`npm run docs\` from \`contract/\`, \`server/config.ts\`, \`gateway/upstream-config.ts\` and \`metrics/metrics.ts\`; a check fails when it is out of date.
All paths are below \`/v1\`, but for these, which are beside it: \`/verify\`, \`/health\`, \`/livez\`, \`/readyz\`, \`/metrics\` and \`/openapi.json\`, which describes the same
for machines.

## Operations

${entries(resources)}

## Lists

${entries(lists)}
`
  return { file: 'README.md', title: 'Reference', about: '', text }
}

/**
 * The generated files that are not as they should be, and files that nothing generates any more.
 */
export function differingPages(): string[] {
  const wanted = pages()
  const stale = (existsSync(FOLDER) ? readdirSync(FOLDER) : [])
    .map((file) => `${FOLDER}/${file}`)
    .filter((file) => !(file in wanted))
  const differing = Object.keys(wanted).filter(
    (file) => !existsSync(file) || readFileSync(file, 'utf8') !== wanted[file],
  )
  return [...differing, ...stale]
}

if (import.meta.main) {
  const wanted = pages()
  for (const file of differingPages()) {
    if (file in wanted) {
      mkdirSync(dirname(join('.', file)), { recursive: true })
      writeFileSync(file, wanted[file]!)
      console.log(`wrote ${file}`)
    } else {
      rmSync(file)
      console.log(`removed ${file}`)
    }
  }
}
