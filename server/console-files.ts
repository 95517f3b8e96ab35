/**
 * Where the console's files come from: out of the executable, from the sources in a clone, or from
 * `dist/console` in the package.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buildConsole, type ConsoleFiles } from './console-build.ts'
import { embeddedConsole } from './console-embedded.ts'

export interface ConsoleSource {
  /** The files as they are now. */
  read: () => Promise<ConsoleFiles>
  /** The folders whose changes change the files; none where they never change. */
  folders: string[]
}

const root = join(import.meta.dir, '..')

/** Null where there is neither a built console nor what it is built from. */
export function findConsole({ reloads = false } = {}): ConsoleSource | null {
  if (embeddedConsole) return never(embeddedConsole)
  const built = join(root, 'dist/console')
  if (existsSync(join(root, 'console/index.tsx')) && existsSync(join(root, 'node_modules/preact')))
    return fromSources(reloads)
  return existsSync(join(built, 'index.html')) ? never(readBuilt(built)) : null
}

const never = (files: ConsoleFiles): ConsoleSource => ({ read: async () => files, folders: [] })

function readBuilt(folder: string): ConsoleFiles {
  const assets = join(folder, 'assets')
  const read = (name: string) => [name, readFileSync(join(assets, name), 'utf8')]
  return {
    index: readFileSync(join(folder, 'index.html'), 'utf8'),
    assets: Object.fromEntries(readdirSync(assets).map(read)),
  }
}

/** Built in memory when they are asked for, and again after a change. */
function fromSources(reloads: boolean): ConsoleSource {
  const folders = ['console', 'client'].map((folder) => join(root, folder))
  let built: { changed: number; files: Promise<ConsoleFiles> } | undefined
  return {
    folders,
    read() {
      const changed = Math.max(...folders.map(lastChange))
      if (built?.changed !== changed) {
        const files = buildConsole(root, { reloads })
        // A build that fails is tried again at the next request.
        files.catch(() => (built = undefined))
        built = { changed, files }
      }
      return built.files
    },
  }
}

const lastChange = (folder: string): number =>
  Math.max(...readdirSync(folder, { recursive: true }).map((name) => statSync(join(folder, String(name))).mtimeMs))
