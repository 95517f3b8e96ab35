/**
 * `npm run release -- VERSION|major|minor|patch [--dry-run] [--no-executables]`: makes a version of
 * what is committed. Sets the version, turns what CHANGELOG.md has as unreleased into it, commits,
 * tags, and builds dist/release. `npm run release -- --again [PLATFORM…]` only builds it, from the
 * commit that is checked out.
 */
import type { KeyObject } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildArtifacts } from './artifacts.ts'
import { nextVersion, releaseChangelog, withVersion } from './release/changelog.ts'
import { git, main, requireCleanTree, root } from './release/commands.ts'
import { requireLockedPackages } from './release/lock-file.ts'
import { readSigningKey } from './release/provenance.ts'
import { parseTargets, type Target } from './targets.ts'

const CHART = 'deploy/helm/keyhall/Chart.yaml'

const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** The files that a version changes, each with its new text. */
function changedFiles(current: string, version: string): Record<string, string> {
  return {
    'package.json': withVersion(read('package.json'), current, version),
    'package-lock.json': withVersion(read('package-lock.json'), current, version),
    'CHANGELOG.md': releaseChangelog(read('CHANGELOG.md'), version, new Date().toISOString().slice(0, 10)),
    // The chart has the version of what it installs, as "version" and as "appVersion".
    ...(existsSync(join(root, CHART)) && {
      [CHART]: read(CHART).replaceAll(`ersion: ${current}\n`, `ersion: ${version}\n`),
    }),
  }
}

function requireNewTag(tag: string) {
  if (git('tag', '--list', tag)) throw new Error(`the tag ${tag} is there already.`)
}

/** Before the first write, because what was committed and tagged stays. */
const signingKey = () => (process.env.KEYHALL_RELEASE_KEY ? readSigningKey(process.env.KEYHALL_RELEASE_KEY) : null)

await main('release', async () => {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    options: {
      'dry-run': { type: 'boolean' },
      'no-executables': { type: 'boolean' },
      again: { type: 'boolean' },
    },
    allowPositionals: true,
  })
  const isDry = values['dry-run'] === true
  const platforms = values['no-executables'] ? [] : ['all']
  const key = signingKey()
  if (!values.again) return release(positionals, parseTargets(platforms), key, isDry)
  const targets = parseTargets(positionals.length > 0 ? positionals : platforms)
  if (isDry) sayBuilt(targets)
  else await buildArtifacts(targets, key)
})

async function release(positionals: string[], targets: readonly Target[], key: KeyObject | null, isDry: boolean) {
  const [wanted, ...more] = positionals
  if (!wanted || more.length > 0) throw new Error('name one version: X.Y.Z, or major, minor or patch.')
  const { version: current } = JSON.parse(read('package.json')) as { version: string }
  const version = nextVersion(current, wanted)
  const tag = `v${version}`
  requireCleanTree()
  requireLockedPackages()
  requireNewTag(tag)
  const files = changedFiles(current, version)
  if (isDry) {
    console.log(`would change ${Object.keys(files).join(', ')}: ${current} becomes ${version}`)
    console.log(`would commit "release: ${version}" and tag it ${tag}`)
    return sayBuilt(targets)
  }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text)
  git('commit', '--quiet', '--message', `release: ${version}`, '--', ...Object.keys(files))
  git('tag', '--annotate', '--message', `Keyhall ${version}`, tag)
  console.log(`committed and tagged ${tag}; if a step below fails, mend it and run "npm run release -- --again"`)
  await buildArtifacts(targets, key)
  console.log(`now: git push origin HEAD ${tag}, and publish what lies in dist/release`)
}

function sayBuilt(targets: readonly Target[]) {
  console.log(`would build dist/release: the npm package${targets.map((target) => `, ${target}`).join('')}`)
}
