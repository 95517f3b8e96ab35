/**
 * Notices within a few milliseconds that another process has committed to the SQLite file.
 *
 * Only `pragma data_version` is certain, so it is read every 50 ms. The file watcher makes it
 * faster where it works: SQLite writes its log before it commits, so a write means that a commit
 * was made or may follow, and the version is read at once, and every 2 ms for a short while.
 */
import { watch, type FSWatcher } from 'node:fs'
import type { World } from '../world/world.ts'

const LOOK_MILLISECONDS = 50
const SOON_MILLISECONDS = 2
const SOON_FOR_MILLISECONDS = 60

/**
 * `version` reads `pragma data_version` of the database at `path`. Returns a function that stops
 * it.
 */
export function watchCommits(
  path: string,
  version: () => unknown,
  heard: () => void,
  { steady }: Pick<World, 'steady'>,
): () => void {
  let seen = version()
  let soon: ReturnType<typeof setInterval> | undefined
  let soonUntil = 0

  function look() {
    const current = version()
    if (current !== seen) heard()
    seen = current
  }

  function lookSoon() {
    look()
    soonUntil = steady() + SOON_FOR_MILLISECONDS
    soon ??= setInterval(() => {
      look()
      if (steady() < soonUntil) return
      clearInterval(soon)
      soon = undefined
    }, SOON_MILLISECONDS)
    soon.unref()
  }

  const timer = setInterval(look, LOOK_MILLISECONDS)
  timer.unref()
  const watcher = watchLog(`${path}-wal`, lookSoon)
  return () => {
    clearInterval(timer)
    clearInterval(soon)
    watcher?.close()
  }
}

/** Undefined where files cannot be watched. */
function watchLog(path: string, onWrite: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, onWrite)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return undefined
  }
}
