/**
 * Whether something between us and PostgreSQL, such as PgBouncer in transaction mode, gives one
 * connection to several clients by turns. There, a named statement may run another client's
 * statement of the same name, without an error, and notifications do not arrive. So this is found
 * out before any named statement is used.
 */
import type { ReservedSQL, SQL } from 'bun'
import { CannotOpen } from './storage-errors.ts'

/**
 * Which of two connections asks next. The order is irregular, so that a pooler that hands out its
 * connections round robin is noticed too.
 */
const TURNS = [0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1] as const

/**
 * Two connections ask by turns which process of PostgreSQL serves them. Without a pooler each keeps
 * its own process. A pooler gives the process that is free to whoever asks next. Throws CannotOpen
 * when it allows no transactions.
 */
export async function hasSharedConnections(two: readonly [SQL, SQL], where: string): Promise<boolean> {
  const clients = [await two[0].reserve(), await two[1].reserve()] as const
  try {
    await requireTransactions(clients[0], where)
    const served = [new Set<number>(), new Set<number>()] as const
    for (const turn of TURNS) {
      const [row] = await clients[turn].unsafe('select pg_backend_pid() as pid')
      served[turn].add(Number(row.pid))
    }
    return served[0].size > 1 || served[1].size > 1 || served[0].isSupersetOf(served[1])
  } finally {
    await Promise.all(clients.map((client) => client.release()))
  }
}

async function requireTransactions(client: ReservedSQL, where: string) {
  try {
    await client.unsafe('begin')
    await client.unsafe('commit')
  } catch (error) {
    throw new CannotOpen(
      `The server at ${where} allows no transactions (${(error as Error).message}); a PgBouncer there must have pool_mode set to transaction or session.`,
    )
  }
}
