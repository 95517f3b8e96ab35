/**
 * Which peppers belong to a database. For each pepper that it accepts it keeps a canary, which only
 * the pepper's holder can compute.
 *
 * A canary of version 1 is from before keys had MACs. Then every living key gets its MAC, once, and
 * the canary becomes one of version 2. So somebody who forged keys cannot have them sealed by a
 * restart: without the pepper nobody can compute a canary of version 1. Only a copy from before the
 * upgrade holds one, and that ends when the pepper is rotated.
 */
import type { Database, Sql } from '../database/types.ts'
import { canary, legacyCanary, pepperId, type Pepper, type Peppers } from './digest.ts'
import { addMissingMacs } from './missing-macs.ts'

/** The peppers are not those that the keys in the database were digested with. */
export class WrongPepper extends Error {}

/** The rows of `metadata` with a canary. */
export const CANARIES = ['pepper_canary', 'pepper_canary_2'] as const

/**
 * Returns those of the given peppers that the database accepts, in the order given. The first start
 * stores the canary of the first pepper, a rotation that of a second one. Throws WrongPepper when
 * one that the keys may need is missing.
 */
export async function checkPeppers(database: Database, given: Peppers): Promise<Peppers> {
  const retired = await retiredIds(database.read)
  const peppers = given.filter((pepper) => !retired.has(pepperId(pepper)))
  if (peppers[0] !== given[0]) throw new WrongPepper()
  await addMacsOnce(database, peppers)
  await database.write(async (sql) => {
    let stored = await canaries(sql)
    if (stored.length === 0) {
      // Keys without a canary: somebody deleted it.
      if (await hasOrganization(sql)) throw new WrongPepper()
      await addCanary(sql, CANARIES[0], given[0])
      stored = await canaries(sql)
    }
    if (!stored.every(({ value }) => peppers.some((pepper) => canary(pepper) === value))) throw new WrongPepper()
    for (const pepper of peppers) {
      if (stored.some(({ value }) => value === canary(pepper))) continue
      const free = CANARIES.find((name) => !stored.some((one) => one.name === name))
      if (!free) throw new WrongPepper()
      await addCanary(sql, free, pepper)
      stored = await canaries(sql)
    }
  })
  return peppers as unknown as Peppers
}

/**
 * Whether the database knew this pepper before the other one, so that it is the older of the two.
 */
export async function isFirstKnown(sql: Sql, pepper: Pepper): Promise<boolean> {
  const stored = await canaries(sql)
  return stored.find(({ name }) => name === CANARIES[0])?.value === canary(pepper)
}

/** Retires a pepper: from now on only the other one is accepted. */
export async function retirePepper(sql: Sql, { current, old }: { current: Pepper; old: Pepper }) {
  await sql.deleteFrom('metadata').where('name', 'in', CANARIES).execute()
  await addCanary(sql, CANARIES[0], current)
  await sql
    .insertInto('metadata')
    .values({ name: `${RETIRED}${pepperId(old)}`, value: 'yes' })
    .execute()
}

const RETIRED = 'pepper_retired '

async function retiredIds(sql: Sql): Promise<ReadonlySet<string>> {
  const rows = await sql.selectFrom('metadata').select('name').where('name', 'like', `${RETIRED}%`).execute()
  return new Set(rows.map(({ name }) => name.slice(RETIRED.length)))
}

async function addMacsOnce(database: Database, peppers: readonly Pepper[]) {
  for (const { name, value } of await canaries(database.read)) {
    const pepper = peppers.find((one) => legacyCanary(one) === value)
    if (!pepper) continue
    await addMissingMacs(database, pepper)
    await database.write((sql) =>
      sql
        .updateTable('metadata')
        .set({ value: canary(pepper) })
        .where('name', '=', name)
        .execute(),
    )
  }
}

const canaries = (sql: Sql) => sql.selectFrom('metadata').selectAll().where('name', 'in', CANARIES).execute()

const addCanary = (sql: Sql, name: (typeof CANARIES)[number], pepper: Pepper) =>
  sql
    .insertInto('metadata')
    .values({ name, value: canary(pepper) })
    .onConflict((conflict) => conflict.doNothing())
    .execute()

const hasOrganization = async (sql: Sql) =>
  (await sql.selectFrom('organizations').select('id').limit(1).execute()).length > 0
