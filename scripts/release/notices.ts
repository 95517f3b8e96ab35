/** The licences of the packages inside of what is released, as they must be passed on with it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './commands.ts'
import { releasedPackages } from './lock-file.ts'

const BUN = 'Bun is in the executable. Its licence and those of its parts: https://bun.com/docs/project/licensing'
const APACHE = 'The text of the Apache License 2.0 is in LICENSE.'

export function thirdPartyNotices(): string {
  const parts = releasedPackages()
    .filter(({ path }) => !path.includes('@oven/'))
    .flatMap(({ name, version, license, path }) => {
      const folder = installedAt(path)
      return folder ? [`${name} ${version} (${license})\n\n${licenseIn(folder)}`] : []
    })
  return `${[`${BUN}\n${APACHE}`, ...parts].join(`\n\n${'-'.repeat(72)}\n\n`)}\n`
}

/**
 * Below the root, or above it: a release packs an export of its commit, which has no packages of
 * its own. Null for a package of another platform.
 */
function installedAt(path: string): string | null {
  for (let folder = root; ; folder = dirname(folder)) {
    if (existsSync(join(folder, path, 'package.json'))) return join(folder, path)
    if (folder === dirname(folder)) return null
  }
}

function licenseIn(folder: string): string {
  const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'LICENCE']
    .map((name) => join(folder, name))
    .find((name) => existsSync(name))
  return file ? readFileSync(file, 'utf8').trim() : headersIn(folder)
}

/** What stands above the code with a copyright, each once. Throws where there is nothing. */
function headersIn(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'))
  const headers = files.toSorted().flatMap((file) => {
    const [comment = ''] = /^(?:\/\/.*\n)+/.exec(readFileSync(join(folder, file), 'utf8')) ?? []
    return /copyright/i.test(comment) ? [comment.replace(/^\/\/ ?/gm, '').trim()] : []
  })
  if (headers.length === 0) throw new Error(`no licence was found in ${folder}.`)
  return [...new Set(headers)].join('\n\n')
}
