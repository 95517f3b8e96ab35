/**
 * Deletes usage by the minute and by the hour that is older than the settings say, whole days at a
 * time; usage by the day is kept for ever. Rows are deleted in short transactions with a pause
 * after each, so that nothing else waits. Several servers may do this side by side: a row that one
 * deletes, the others pass over.
 */
import { sql as raw } from 'kysely'
import { readClock } from '../database/clock.ts'
import type { Database } from '../database/types.ts'
import type { World } from '../world/world.ts'
import { keepFrom } from './kept-usage.ts'
import { minutesOf, tables } from './widths.ts'

const LOOK_MILLISECONDS = 10 * 60_000
const FIRST_LOOK_MILLISECONDS = 30_000
/** On SQLite a statement runs in this process, and stops it meanwhile. */
const ROWS_AT_ONCE = { sqlite: 500, postgres: 5_000 } as const
const PAUSE_MILLISECONDS = { sqlite: 5, postgres: 50 } as const

/** For how many days usage by the minute and by the hour is kept. */
export interface KeptDays {
  minute: number
  hour: number
}

export const defaultKeptDays: KeptDays = { minute: 45, hour: 400 }

export class UsagePruner {
  readonly #database: Database
  readonly #world: World
  readonly #days: KeptDays
  readonly #onError: (error: unknown) => void
  #stopTimer = () => {}
  #looking: Promise<void> | null = null
  #isStopping = false

  constructor(database: Database, world: World, days: KeptDays, onError: (error: unknown) => void) {
    this.#database = database
    this.#world = world
    this.#days = days
    this.#onError = onError
  }

  start(milliseconds = FIRST_LOOK_MILLISECONDS) {
    this.#stopTimer = this.#world.later(
      milliseconds,
      () => void this.look().finally(() => !this.#isStopping && this.start(LOOK_MILLISECONDS)),
    )
  }

  async stop() {
    this.#isStopping = true
    this.#stopTimer()
    await this.#looking
  }

  /** Deletes everything that is too old; never two at a time, and never throws. */
  look(): Promise<void> {
    this.#looking ??= this.#prune()
      .catch(this.#onError)
      .finally(() => {
        this.#looking = null
      })
    return this.#looking
  }

  async #prune() {
    const now = (await readClock(this.#database.read, this.#database.engine)) / 60_000
    for (const width of ['minute', 'hour'] as const) {
      const day = Math.floor(now / minutesOf.day) - this.#days[width]
      await this.#pruneBefore(width, day * minutesOf.day)
    }
  }

  async #pruneBefore(width: keyof KeptDays, since: number) {
    const { read, engine } = this.#database
    const old = read.selectFrom(tables[width]).select('at').where('at', '<', since).limit(1)
    if (!(await old.executeTakeFirst())) return
    await this.#database.write((sql) => keepFrom(sql, width, since))
    while (!this.#isStopping && (await this.#deleteSome(width, since)) > 0)
      await new Promise<void>((resolve) => this.#world.later(PAUSE_MILLISECONDS[engine], resolve))
  }

  /** Answers how many rows. That a power cut can bring them back does no harm. */
  #deleteSome(width: keyof KeptDays, since: number): Promise<number> {
    const { engine } = this.#database
    const table = raw.table(tables[width])
    const skip = engine === 'postgres' ? raw`for update skip locked` : raw``
    return this.#database.writeUnsynced(async (sql) => {
      const { numDeletedRows } = await sql
        .deleteFrom(tables[width])
        .where(
          raw<boolean>`(at, series_id) in (
            select at, series_id from ${table} where at < ${since}
            order by at, series_id limit ${raw.lit(ROWS_AT_ONCE[engine])} ${skip})`,
        )
        .executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    })
  }
}
