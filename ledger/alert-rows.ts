/** Spend alerts in the database: which are due, who delivers them, and who was told. */
import { sql as raw, type RawBuilder } from 'kysely'
import { databaseNow } from '../database/clock.ts'
import type { AlertDeliveryRow } from '../database/ledger-tables.ts'
import type { Database } from '../database/types.ts'
import { NANO_PER_CENT } from '../contract/money.ts'
import { monthOf } from './usage-counts.ts'

/** For so long a server that is telling somebody is waited for; much longer than that may take. */
const TELLING_MILLISECONDS = 60_000
/**
 * For so long after its end a month is looked at: a request may end in its last moment, or be
 * settled after it.
 */
const AFTER_MONTH_MILLISECONDS = 600_000

export interface DueAlert {
  /** The same for each attempt. */
  delivery_id: string
  organization_id: string
  /** Empty for an alert of the organization. */
  project_id: string
  alert_id: string
  /** `2026-11`, UTC. */
  month: string
  /** Cents. */
  threshold_amount: number
  /** Nano-dollars. */
  spent: number
  recipients: string[]
  subject_prefix: string | null
}

export class AlertRows {
  readonly #database: Database
  /** This server's name in deliveries. */
  readonly #owner: string

  constructor(database: Database, owner: string) {
    this.#database = database
    this.#owner = owner
  }

  /**
   * Alerts whose threshold is reached, and whom nobody has told or is telling; `now` in
   * milliseconds since 1970.
   */
  async due(now: number): Promise<DueAlert[]> {
    const month = monthOf(now)
    const begin = Date.parse(`${month}-01T00:00:00Z`)
    const before = monthOf(begin - 1)
    const hasJustTurned = now < begin + AFTER_MONTH_MILLISECONDS
    const rows = await this.#database.read
      .selectFrom('spend_alerts as alert')
      .innerJoin('budgets as budget', (on) =>
        on
          .onRef('budget.organization_id', '=', 'alert.organization_id')
          .onRef('budget.project_id', '=', 'alert.project_id')
          .on('budget.month', 'in', [month, before]),
      )
      .leftJoin('alert_deliveries as delivery', (on) =>
        on
          .onRef('delivery.organization_id', '=', 'alert.organization_id')
          .onRef('delivery.alert_id', '=', 'alert.id')
          .onRef('delivery.month', '=', 'budget.month')
          .onRef('delivery.threshold_amount', '=', 'alert.threshold_amount'),
      )
      .select(['alert.organization_id', 'alert.project_id', 'alert.id', 'alert.threshold_amount'])
      .select(['alert.recipients', 'alert.subject_prefix', 'budget.settled', 'budget.month'])
      .where('alert.deleted_at', 'is', null)
      .where(raw<boolean>`budget.settled >= alert.threshold_amount * ${NANO_PER_CENT}`)
      .where((is) =>
        is.or([
          is.and([is('delivery.until', 'is', null), is('budget.month', '=', month)]),
          // Of the month that was, only alerts that were there then.
          ...(hasJustTurned
            ? [is.and([is('delivery.until', 'is', null), is('alert.created_at', '<', begin / 1000)])]
            : []),
          // To be tried again.
          is.and([
            is('delivery.sent_at', 'is', null),
            is('delivery.gave_up_at', 'is', null),
            is('delivery.until', '<', databaseNow(this.#database.engine)),
          ]),
        ]),
      )
      .execute()
    return rows.map(({ id, settled, recipients, ...row }) => ({
      ...row,
      alert_id: id,
      spent: settled,
      recipients: JSON.parse(recipients) as string[],
      delivery_id: `${id}.${row.month}.${row.threshold_amount}`,
    }))
  }

  /**
   * Whom others have told before, and the number of this attempt; null when another server was
   * faster.
   */
  async take({ organization_id, alert_id, month, threshold_amount }: DueAlert) {
    const now = databaseNow(this.#database.engine)
    const until = raw<number>`${now} + ${TELLING_MILLISECONDS}`
    const owner = this.#owner
    const row = { organization_id, alert_id, month, threshold_amount, owner, until }
    const taken = await this.#database.write((sql) =>
      sql
        .insertInto('alert_deliveries')
        .values({ ...row, sent_at: null, told: '[]', attempts: 1, gave_up_at: null })
        .onConflict((conflict) =>
          conflict
            .columns(['organization_id', 'alert_id', 'month', 'threshold_amount'])
            .doUpdateSet({ owner, until, attempts: raw<number>`alert_deliveries.attempts + 1` })
            .where('alert_deliveries.sent_at', 'is', null)
            .where('alert_deliveries.gave_up_at', 'is', null)
            .where('alert_deliveries.until', '<', now),
        )
        .returning(['told', 'attempts'])
        .executeTakeFirst(),
    )
    return taken ? { told: JSON.parse(taken.told) as string[], attempts: taken.attempts } : null
  }

  /** Keeps who was told, and that this server goes on. */
  async goOn(alert: DueAlert, told: readonly string[]) {
    await this.#update(alert, { told: JSON.stringify(told), ...this.#until(TELLING_MILLISECONDS) })
  }

  /** All were told. */
  sent = (alert: DueAlert, sent_at: number) => this.#update(alert, { sent_at })

  waitFor = (alert: DueAlert, milliseconds: number) => this.#update(alert, this.#until(milliseconds))

  giveUp = (alert: DueAlert, gave_up_at: number) => this.#update(alert, { gave_up_at })

  #until(milliseconds: number) {
    return { until: raw<number>`${databaseNow(this.#database.engine)} + ${milliseconds}` }
  }

  async #update(
    { organization_id, alert_id, month, threshold_amount }: DueAlert,
    columns: Partial<Omit<AlertDeliveryRow, 'until'>> & { until?: RawBuilder<number> },
  ) {
    await this.#database.write((sql) =>
      sql
        .updateTable('alert_deliveries')
        .set(columns)
        .where('organization_id', '=', organization_id)
        .where('alert_id', '=', alert_id)
        .where('month', '=', month)
        .where('threshold_amount', '=', threshold_amount)
        // One that took longer than it may is not the one any more.
        .where('owner', '=', this.#owner)
        .execute(),
    )
  }
}
