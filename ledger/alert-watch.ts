/**
 * Sends spend alerts: once for each alert, threshold and month, whichever server sees first that
 * the spend has reached it. The server that inserts the row of a delivery delivers it. The row
 * keeps who was told already; the others are tried again, later and later, by whichever server
 * looks. A server that dies after it told somebody and before it wrote that down lets that one be
 * told twice.
 */
import type { Database } from '../database/types.ts'
import { newId } from '../world/random.ts'
import type { World } from '../world/world.ts'
import { AlertRows, type DueAlert } from './alert-rows.ts'

export type { DueAlert } from './alert-rows.ts'

const LOOK_MILLISECONDS = 2_000
/** After each failed attempt; when there are no more of them, nobody tries again. */
const WAITS_MINUTES = [0.5, 2, 10, 30, 60, 180, 360, 720]

export interface AlertDelivery {
  /** All who must be told of an alert. */
  targetsOf: (alert: DueAlert) => string[]
  /**
   * Resolves when the target was told; throws when not, and then it is tried again. Ends within 30
   * seconds.
   */
  tell: (alert: DueAlert, target: string) => Promise<void>
}

/** The target was not told and must not be tried again. */
export class TellNoMore extends Error {}

export class SpendAlerts {
  readonly #rows: AlertRows
  readonly #world: World
  readonly #delivery: AlertDelivery
  readonly #onError: (error: unknown) => void
  #timer: ReturnType<typeof setInterval> | undefined
  #looking: Promise<void> | null = null
  #isStopping = false

  constructor(database: Database, world: World, delivery: AlertDelivery, onError: (error: unknown) => void) {
    this.#rows = new AlertRows(database, newId('alerts_', world))
    this.#world = world
    this.#delivery = delivery
    this.#onError = onError
  }

  start() {
    this.#timer = setInterval(() => void this.look(), LOOK_MILLISECONDS)
    this.#timer.unref()
  }

  async stop() {
    clearInterval(this.#timer)
    this.#isStopping = true
    await this.#looking
  }

  /** Delivers what is due; never two at a time, and never throws. */
  look(): Promise<void> {
    this.#looking ??= this.#deliverDue()
      .catch(this.#onError)
      .finally(() => {
        this.#looking = null
      })
    return this.#looking
  }

  async #deliverDue() {
    for (const alert of await this.#rows.due(this.#world.now())) {
      if (this.#isStopping) return
      const taken = await this.#rows.take(alert)
      // Another server was faster.
      if (taken) await this.#deliver(alert, taken).catch(this.#onError)
    }
  }

  async #deliver(alert: DueAlert, { told, attempts }: { told: string[]; attempts: number }) {
    const failures: string[] = []
    for (const target of this.#delivery.targetsOf(alert)) {
      if (told.includes(target)) continue
      // Another server goes on at once.
      if (this.#isStopping) return this.#rows.waitFor(alert, 0)
      try {
        await this.#delivery.tell(alert, target)
        told.push(target)
      } catch (error) {
        if (error instanceof TellNoMore) told.push(target)
        else failures.push(String(error))
        if (error instanceof TellNoMore) this.#onError(sentence(alert, error.message, 'not tried again'))
      }
      await this.#rows.goOn(alert, told)
    }
    if (failures.length === 0) return this.#rows.sent(alert, Math.floor(this.#world.now() / 1000))
    const wait = WAITS_MINUTES[attempts - 1]
    if (wait === undefined) await this.#rows.giveUp(alert, Math.floor(this.#world.now() / 1000))
    else await this.#rows.waitFor(alert, wait * 60_000)
    const next =
      wait === undefined ? 'not tried again' : `tried again in ${wait < 1 ? '30 seconds' : `${wait} minutes`}`
    this.#onError(sentence(alert, failures.join('; '), next))
  }
}

const sentence = ({ alert_id, month }: DueAlert, why: string, next: string) =>
  new Error(`${alert_id} of ${month}: ${why}; ${next}`)
