/**
 * `npm run docs`: writes what the contract and the settings say as pages for people, and as calls
 * for the client. With `-- --pictures` it draws the README's picture instead, and with
 * `-- --pictures console` those of the console.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { callsFile } from './docs/calls.ts'
import { divergences } from './docs/divergences.ts'
import { withMap } from './docs/map.ts'
import { auditEventsPage, errorsPage, gatewayFilePage, permissionsPage, settingsPage } from './docs/lists.ts'
import { metricsPage } from './docs/metrics-page.ts'
import type { Page } from './docs/page.ts'
import { resourcePages } from './docs/resources.ts'
import { readme, servedPage } from './docs/served.ts'
import { main } from './release/commands.ts'

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

function writePages() {
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

async function drawPictures(which: string | undefined) {
  if (which === undefined) {
    const { picture, PICTURE } = await import('./picture.ts')
    return writeFileSync(PICTURE, await picture())
  }
  if (which !== 'console') throw new Error(`There are no pictures of "${which}"; there are those of the "console".`)
  const { chromium } = await import('../test/chromium.ts')
  if (!chromium) throw new Error('No Chromium was found; TEST_CHROMIUM names one.')
  const { drawConsole } = await import('./console-pictures.ts')
  await drawConsole(chromium)
}

if (import.meta.main)
  await main('docs', async () => {
    const options = { pictures: { type: 'boolean' } } as const
    const { values, positionals } = parseArgs({ args: process.argv.slice(2), options, allowPositionals: true })
    if (values.pictures) await drawPictures(positionals[0])
    else writePages()
  })
