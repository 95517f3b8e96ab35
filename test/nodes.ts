/** The versions of Node.js that are at hand. */
import { readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where `.ci/run` puts further versions, each in a folder of its own. */
const fetched = join(import.meta.dir, '../node_modules/.cache/nodes')

/** Each version once, with its path: those on the PATH, and those that `.ci/run` fetched. */
export function nodes(): [version: string, path: string][] {
  const found = new Map<string, string>()
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...fetchedFolders()])
    for (const name of ['node', 'node20', 'node22', 'node24']) {
      const path = Bun.which(name, { PATH: folder })
      if (!path) continue
      const version = String(Bun.spawnSync([path, '--version']).stdout).trim()
      if (version && !found.has(version)) found.set(version, path)
    }
  return [...found]
}

function fetchedFolders() {
  try {
    return readdirSync(fetched).map((name) => join(fetched, name, 'bin'))
  } catch {
    return []
  }
}
