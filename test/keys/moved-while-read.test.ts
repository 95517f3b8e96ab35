/**
 * During a rotation of the pepper a key moves to the new one when it is used. Another request may
 * look for it in that moment: under the new pepper before the move, under the old one after it.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Sql } from '../../database/types.ts'
import { digest, type Peppers } from '../../keys/digest.ts'
import { projectKeyReader } from '../../keys/read-project-key.ts'
import { loadKeyRing, type KeyRing } from '../../keys/ring.ts'
import { verifyAdminKey } from '../../keys/verify-admin-key.ts'
import { Secret } from '../../world/secret.ts'
import { seconds } from '../../world/world.ts'
import { newServiceAccount } from '../made.ts'
import { onBothEngines, testPepper } from '../setup.ts'
import { watchReads } from '../storage/watched-reads.ts'

const peppers: Peppers = [new Secret(new Uint8Array(32).fill(9)), testPepper]

onBothEngines('a key that moves to the new pepper while it is looked for', (server) => {
  let keys: KeyRing
  const fails = (error: unknown) => {
    throw error
  }
  beforeAll(async () => {
    const onForged = (id: string) => fails(new Error(`${id} counts as forged`))
    keys = await loadKeyRing(server().database, peppers, server().world, {
      isRevoked: () => false,
      onForged,
      onError: fails,
    })
  })
  afterAll(() => keys.redigests.settled())

  /** Reads whose first one is followed by `happens`. */
  function readsWhile(happens: () => Promise<unknown>): Sql {
    let isFirst = true
    return watchReads(server().database, async (_, read) => {
      const rows = await read()
      if (isFirst) {
        isFirst = false
        await happens()
      }
      return rows
    }).read
  }

  test('is found, the key of a project', async () => {
    const { api_key } = await newServiceAccount(server())
    const digests = peppers.map((pepper) => digest(pepper, api_key.value))
    const find = (sql: Sql) => projectKeyReader(sql, keys, server().world)(digests)
    const moves = async () => {
      await find(server().database.read)
      await keys.redigests.settled()
    }
    expect(await find(readsWhile(moves))).toMatchObject({ key_id: api_key.id })
  })

  // The last: the server itself does not know the new pepper.
  test('is found, an admin key', async () => {
    const verify = (sql: Sql) =>
      verifyAdminKey(
        sql,
        keys,
        { authorization: `Bearer ${server().admin_key}`, ip_address: null },
        seconds(server().world),
      )
    const moves = async () => {
      await verify(server().database.read)
      await keys.redigests.settled()
    }
    expect(await verify(readsWhile(moves))).toMatchObject({ user_id: server().owner_id })
  })
})
