/** What a release changes in files: the changelog and the version. */

const UNRELEASED = '## [Unreleased]'

/** Puts what is unreleased under a version with its date. Throws when there is nothing. */
export function releaseChangelog(text: string, version: string, date: string): string {
  const [before, after] = text.split(`${UNRELEASED}\n`)
  if (after === undefined) throw new Error(`CHANGELOG.md has no line "${UNRELEASED}".`)
  const [changes] = after.split(/^## /m)
  if (!/^- /m.test(changes!)) throw new Error(`CHANGELOG.md has nothing under "${UNRELEASED}".`)
  if (text.includes(`\n## [${version}]`)) throw new Error(`CHANGELOG.md has a section "[${version}]" already.`)
  return `${before}${UNRELEASED}\n\n## [${version}] - ${date}\n${after}`
}

const STEPS = ['major', 'minor', 'patch'] as const

/** The version that `X.Y.Z`, `major`, `minor` or `patch` means after the current one. */
export function nextVersion(current: string, wanted: string): string {
  const step = STEPS.findIndex((name) => name === wanted)
  if (step >= 0) {
    const numbers = current.split('-')[0]!.split('.').map(Number)
    return numbers.map((value, index) => (index < step ? value : index === step ? value + 1 : 0)).join('.')
  }
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(wanted))
    throw new Error(`"${wanted}" is no version; name X.Y.Z, or one of ${STEPS.join(', ')}.`)
  if (Bun.semver.order(wanted, current) <= 0) throw new Error(`${wanted} does not come after ${current}.`)
  return wanted
}

/** Sets the version in package.json or package-lock.json, and leaves every other byte. */
export function withVersion(text: string, from: string, to: string): string {
  // In the lock file it stands twice, for the package and for its root folder, before all others.
  const name = '"name": "keyhall",'
  const parts = text.split(name)
  return parts
    .map((part, index) => (index === 0 ? part : part.replace(`"version": "${from}"`, `"version": "${to}"`)))
    .join(name)
}
