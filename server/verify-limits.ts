/** `keyhall limits verify`: whether budgets, what servers hold, and usage agree with each other. */
import { dollarsOf, nanoOfCents } from '../contract/money.ts'
import type { Sql } from '../database/types.ts'
import { presentMonth } from '../ledger/budget-status.ts'
import { budgetChecks, disagreements, type BudgetCheck } from '../ledger/verify.ts'
import { isWhole, usageDisagreements } from '../ledger/verify-usage.ts'
import { wrongUsage, type ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import type { Config } from './config.ts'
import { openStarted } from './open-storage.ts'

/** Prints each disagreement, or that there is none. */
export async function verifyLimits(
  config: Pick<Config, 'database'>,
  named: string | undefined,
  { out, err }: Terminal,
): Promise<ExitCode> {
  if (named !== undefined && !/^\d{4}-(0[1-9]|1[0-2])$/.test(named))
    throw wrongUsage(`--month must be a month such as 2026-11, not "${named}".`)
  const database = await openStarted(config)
  try {
    const sql = database.read
    const month = named ?? (await presentMonth(sql, database.engine))
    const checks = await budgetChecks(sql, month)
    const isKept = {
      minutes: await isWhole(sql, 'usage_minutes', month),
      hours: await isWhole(sql, 'usage_hours', month),
    }
    const problems = [
      ...checks.flatMap((check) => disagreements(check, null, isKept)),
      ...(await usageDisagreements(sql, month)),
    ]
    for (const problem of problems) err(`keyhall: ${problem}.\n`)
    for (const sentence of await exceeded(sql, checks, month)) err(`keyhall: ${sentence}\n`)
    if (problems.length > 0) return 1
    out(`The ledger of ${month} agrees with itself: ${sumsOf(checks)}.\n`)
    return 0
  } finally {
    await database.close()
  }
}

/**
 * Limits that are exceeded, each with the reason, because no request was admitted beyond the limit
 * of its time. They are no disagreements.
 */
async function exceeded(sql: Sql, checks: readonly BudgetCheck[], month: string): Promise<string[]> {
  const limits = await sql.selectFrom('spend_limits').selectAll().execute()
  return checks.flatMap(({ organization_id, project_id, settled, reserved, burned }) => {
    const limit = limits.find((one) => one.organization_id === organization_id && one.project_id === project_id)
    if (!limit || settled + reserved + burned <= nanoOfCents(limit.threshold_amount)) return []
    const changed = new Date(limit.updated_at * 1000).toISOString()
    const why = changed.startsWith(month)
      ? `it was set at ${changed}, after that was spent, or an upstream used more than its request allowed`
      : 'an upstream used more than its request allowed, which the log tells'
    const whose = project_id || organization_id
    return [
      `${whose} has spent, reserved and burned $${dollarsOf(settled + reserved + burned)} of $${limit.threshold_amount / 100}: ${why}.`,
    ]
  })
}

function sumsOf(checks: readonly BudgetCheck[]): string {
  const own = checks.filter(({ project_id }) => project_id === '')
  const sum = (name: 'settled' | 'reserved' | 'burned') => `$${dollarsOf(own.reduce((all, one) => all + one[name], 0))}`
  const count = `${checks.length} ${checks.length === 1 ? 'budget' : 'budgets'}`
  return `${count}, ${sum('settled')} settled, ${sum('reserved')} reserved, ${sum('burned')} burned`
}
