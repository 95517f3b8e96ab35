/**
 * A lock that the operating system releases when the process that holds it ends, even by kill -9.
 * It tells processes on one SQLite file, and those on one machine with a PostgreSQL database, which
 * of them are certainly gone.
 *
 * It is an exclusive lock on an empty SQLite file. So it works wherever SQLite's own locks work,
 * also between containers that share the file but not their process ids, and a process that is only
 * stopped still holds it.
 */
import { Database as Sqlite } from 'bun:sqlite'
import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'

const NAME = /^[\w-]+$/

export class ProcessLocks {
  readonly #stem: string
  readonly #held = new Map<string, Sqlite>()

  /**
   * The paths of all lock files begin with `stem`: the path of the SQLite database, for example.
   */
  constructor(stem: string) {
    this.#stem = stem
  }

  /**
   * Takes the lock. False where the folder does not allow it: then nobody can say that this process
   * is gone.
   */
  hold(name: string): boolean {
    const path = this.#path(name)
    try {
      closeSync(openSync(path, 'a', 0o600))
      const lock = openLock(path)
      lock.run('begin exclusive')
      this.#held.set(name, lock)
      return true
    } catch {
      rmSync(path, { force: true })
      return false
    }
  }

  release(name: string) {
    this.#held.get(name)?.close()
    if (this.#held.delete(name)) rmSync(this.#path(name), { force: true })
  }

  /**
   * True when the process that held the lock has ended; false when it lives, and when nobody can
   * say.
   */
  isReleased(name: string): boolean {
    const path = this.#path(name)
    if (this.#held.has(name) || !existsSync(path)) return false
    let lock: Sqlite | undefined
    try {
      lock = openLock(path)
      lock.run('begin exclusive')
      return true
    } catch {
      return false
    } finally {
      lock?.close()
    }
  }

  /** Removes the file of a lock that was released by the end of its process. */
  remove(name: string) {
    rmSync(this.#path(name), { force: true })
  }

  /** The locks that were left behind by processes that have ended. */
  released(): string[] {
    const start = `${basename(this.#stem)}.`
    return readdirSync(dirname(this.#stem))
      .filter((file) => file.startsWith(start) && file.endsWith('.lock'))
      .map((file) => file.slice(start.length, -'.lock'.length))
      .filter((name) => NAME.test(name) && this.isReleased(name))
  }

  #path(name: string) {
    if (!NAME.test(name)) throw new Error(`"${name}" names no lock`)
    return `${this.#stem}.${name}.lock`
  }
}

function openLock(path: string) {
  const lock = new Sqlite(path, { create: false, readwrite: true, strict: true })
  lock.run('pragma busy_timeout = 0')
  return lock
}
