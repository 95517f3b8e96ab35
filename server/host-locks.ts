/**
 * The process locks of servers that use one PostgreSQL database from the same machine: files in the
 * folder of the revocations file. With them, a server that was killed and started again need not
 * wait for the lease of the process that is gone.
 *
 * A connection to PostgreSQL does not show that a process lives: it may be lost while the process
 * still answers from memory. A lock file shows it, but only on this machine, because its kernel
 * releases the lock. In a folder that several machines share, each sees only its own locks, so the
 * names of the files contain the id that Linux gives to each start of the machine. On other systems
 * there are no such locks.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Config } from './config.ts'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const DAY_MILLISECONDS = 86_400_000

/** The beginning of the paths of the lock files; null where there are none. */
export function hostLocks(config: Pick<Config, 'database' | 'revocations_file'>, now: number): string | null {
  if (config.database.startsWith('sqlite:')) return null
  try {
    const folder = dirname(config.revocations_file)
    const stem = join(folder, `server.${readFileSync(BOOT_ID, 'utf8').trim()}`)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    removeOld(folder, basename(stem), now)
    return stem
  } catch {
    return null
  }
}

/**
 * Removes lock files from before this machine was last started. A process without a file counts as
 * alive, so a file that is removed by mistake only makes others wait for a lease.
 */
function removeOld(folder: string, stem: string, now: number) {
  for (const file of readdirSync(folder)) {
    if (!/^server\.[0-9a-f-]{36}\.[\w-]+\.lock$/.test(file) || file.startsWith(stem)) continue
    const path = join(folder, file)
    if (now - statSync(path).mtimeMs > DAY_MILLISECONDS) rmSync(path, { force: true })
  }
}
