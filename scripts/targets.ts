/** The platforms for which executables are built. */

/**
 * Named as Bun names them, without its `bun-`. Linux is glibc; `-musl` is for Alpine and its like.
 */
export const targets = [
  'linux-x64',
  'linux-x64-musl',
  'linux-arm64',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'windows-x64',
] as const

export type Target = (typeof targets)[number]

export const isWindows = (target: Target) => target.startsWith('windows-')

/** The name of the executable for a platform. */
export const executableName = (target: Target) => `keyhall${isWindows(target) ? '.exe' : ''}`

/**
 * Reads names of platforms; `all` stands for each of them. Throws a sentence about another name.
 */
export function parseTargets(names: readonly string[]): Target[] {
  const unknown = names.find((name) => name !== 'all' && !isTarget(name))
  if (unknown !== undefined)
    throw new Error(`"${unknown}" is no platform to build for; there are ${targets.join(', ')}, and all.`)
  return targets.filter((target) => names.includes('all') || names.includes(target))
}

const isTarget = (name: string): name is Target => (targets as readonly string[]).includes(name)
