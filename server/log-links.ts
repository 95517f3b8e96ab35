/**
 * Writes the newest link of each audit log to the server's log, at the start and every hour: a note
 * outside the database.
 */
import { stateOfHead } from '../admin/audit-seal.ts'
import { headOf, organizationsOf } from '../admin/verify-chain.ts'
import type { Database } from '../database/types.ts'
import type { Peppers } from '../keys/digest.ts'
import type { Log } from './log.ts'

const EVERY_MILLISECONDS = 3_600_000

/** Writes the first one at once. Returns a function that stops it. */
export function logLinks(database: Pick<Database, 'read'>, peppers: Peppers, log: Pick<Log, 'say'>): () => void {
  const note = () =>
    void logNewest(database, peppers, log).catch((error: unknown) =>
      log.say('error', 'The newest link of the audit log could not be read.', { cause: String(error) }),
    )
  note()
  const timer = setInterval(note, EVERY_MILLISECONDS)
  timer.unref()
  return () => clearInterval(timer)
}

async function logNewest({ read }: Pick<Database, 'read'>, peppers: Peppers, log: Pick<Log, 'say'>) {
  for (const organization_id of await organizationsOf(read)) {
    const head = await headOf(read, organization_id)
    const link = head && `${organization_id}:${head.seq}:${Buffer.from(head.hash).toString('hex')}`
    if (head && stateOfHead(peppers, head) === 'valid' && head.doubtful_seq === null)
      log.say('info', 'The newest link of the audit log.', { link })
    else
      log.say('error', 'The head of the audit log has no valid seal; "keyhall audit verify" says more.', {
        organization_id,
        ...(link && { link }),
      })
  }
}
