/**
 * Ends a rotation: deletes the keys that only the old pepper can verify, and seals the audit log
 * under the new one.
 */
import type { Database, Sql } from '../database/types.ts'
import { retirePepper } from '../keys/check-peppers.ts'
import type { AuditLogRow } from '../database/tables.ts'
import type { Pepper, Peppers } from '../keys/digest.ts'
import { deletedKey } from '../keys/key-mac.ts'
import type { LivingKey } from '../keys/keys-by-pepper.ts'
import { renewTrustMacs } from '../keys/trust-mac.ts'
import { Revocations } from '../revocation/revocations.ts'
import { seconds, type World } from '../world/world.ts'
import { emptyHead, lockOrganization } from './audit-chain.ts'
import { sealHead, sealRow } from './audit-seal.ts'
import { recordOnHost } from './bootstrap.ts'
import { organizationsOf, requireHead, requireNext, rowsAfter, type ChainLink } from './verify-chain.ts'

/**
 * Seals the audit log anew, deletes the keys that are left under the old pepper, and retires it.
 * Throws BrokenLog, before a key is deleted, when the audit log does not hold.
 */
export async function retireOldPepper(
  database: Database,
  peppers: Peppers,
  world: World,
  left: readonly Pick<LivingKey, 'table' | 'organization_id' | 'id'>[],
) {
  const [current, old] = peppers
  for (const id of await organizationsOf(database.read)) await resealChain(database, peppers, id)
  for (const key of left) await deleteKey(database, peppers, world, key)
  await database.write(async (sql) => {
    await renewTrustMacs(sql, peppers)
    await retirePepper(sql, { current, old: old! })
  })
}

/** Deletes a key for the operator, with an audit event, on all servers. */
async function deleteKey(
  database: Database,
  peppers: Peppers,
  world: World,
  { table, organization_id, id }: Pick<LivingKey, 'table' | 'organization_id' | 'id'>,
) {
  // It only writes revocations, so it does not register as a node.
  const revocations = new Revocations(database, world, { leaseMilliseconds: 0, forget: () => {}, onError: () => {} })
  await database.write(async (sql) => {
    await sql
      .updateTable(table)
      .set(deletedKey(seconds(world)))
      .where('organization_id', '=', organization_id)
      .where('id', '=', id)
      .execute()
    await recordOnHost(sql, peppers, world, organization_id, [
      { type: 'api_key.deleted', payload: { id }, project_id: null },
    ])
    await revocations.publish(sql, [{ organization_id, scope: 'key', id }])
  })
}

/**
 * Gives each row and the head a seal under the current pepper, after it was checked as `keyhall
 * audit verify` does: a row that somebody changed since then must not get a valid seal. Throws
 * BrokenLog at the first that does not hold; those before it have their new seal, and the old
 * pepper is still needed.
 */
async function resealChain(database: Database, peppers: Peppers, organization_id: string) {
  let newest: ChainLink = emptyHead(organization_id)
  for (let isEnd = false; !isEnd;)
    [newest, isEnd] = await database.write(async (sql) => {
      // Nothing is appended while the head is locked, so an empty page is the end.
      const [head] = await lockOrganization(sql, { organization_id })
      const rows = await rowsAfter(sql, newest)
      let last = newest
      for (const row of rows) {
        requireNext(row, last, head, peppers)
        await resealRow(sql, peppers[0], row)
        last = row
      }
      if (rows.length > 0) return [last, false]
      requireHead(head, last, peppers)
      await resealHead(sql, peppers[0], organization_id)
      return [last, true]
    })
}

/** Rows from before there were seals have none. */
async function resealRow(sql: Sql, current: Pepper, row: AuditLogRow) {
  if (row.seal === null) return
  await sql
    .updateTable('audit_logs')
    .set(sealRow(current, row))
    .where('organization_id', '=', row.organization_id)
    .where('seq', '=', row.seq)
    .execute()
}

async function resealHead(sql: Sql, current: Pepper, organization_id: string) {
  const heads = sql.selectFrom('audit_heads').selectAll().where('organization_id', '=', organization_id)
  const { seal: _, pepper_name: __, ...head } = await heads.executeTakeFirstOrThrow()
  await sql
    .updateTable('audit_heads')
    .set(sealHead(current, head))
    .where('organization_id', '=', organization_id)
    .execute()
}
