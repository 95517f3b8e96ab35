/** `npm run docs`: writes what the contract and the settings say as pages for people. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { divergences } from './docs/divergences.ts'
import { auditEventsPage, errorsPage, gatewayFilePage, permissionsPage, settingsPage } from './docs/lists.ts'
import { resourcePages } from './docs/resources.ts'

const FOLDER = 'docs/reference'
const DIVERGENCES = 'docs/divergences.md'

/** Every generated file with its text. */
export function pages(): Record<string, string> {
  const resources = resourcePages()
  const lists = [settingsPage(), gatewayFilePage(), errorsPage(), auditEventsPage(), permissionsPage()]
  const all = [index(resources, lists), ...resources, ...lists]
  return {
    ...Object.fromEntries(all.map(({ file, text }) => [`${FOLDER}/${file}`, text])),
    [DIVERGENCES]: divergences(existsSync(DIVERGENCES) ? readFileSync(DIVERGENCES, 'utf8') : ''),
  }
}

export interface Page {
  file: string
  title: string
  /** One sentence for the index. */
  about: string
  text: string
}

const index = (resources: Page[], lists: Page[]): Page => {
  const entries = (some: Page[]) => some.map(({ file, title, about }) => `- [${title}](${file}): ${about}`).join('\n')
  const text = `# Reference

Written by \`npm run docs\` from \`contract/\`, \`config.ts\` and \`gateway/config.ts\`; a check fails when it is out of date.
All paths are below \`/v1\`. The same, for machines: \`GET /openapi.json\`.

## Operations

${entries(resources)}

## Lists

${entries(lists)}
`
  return { file: 'README.md', title: 'Reference', about: '', text }
}

/** The generated files that are not as they should be, and files that nothing generates any more. */
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
