/**
 * A key is revoked while another server sleeps: its steady clock stands still, so by that its lease
 * goes on. What it had asked the database before is answered when it wakes.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { openDatabase } from '../../database/open.ts'
import type { Database } from '../../database/types.ts'
import { addKeys } from '../gateway/nodes.ts'
import { startOther, type OtherServer } from '../other-server.ts'
import { engines, START_MILLISECONDS, startServer, type TestServer } from '../setup.ts'
import { looksUpKeys, watchReads } from '../storage/watched-reads.ts'

/** Of the server that sleeps. */
const LEASE_MILLISECONDS = 1_500

const renewsLease = (sql: string) => sql.includes('"counters"."value"')
const readsLimits = (sql: string) => sql.includes('"spend_limits"')

interface Held {
  sql: string
  release: () => void
}

/** A machine: asleep, it gets no answer of its database, and its steady clock stands still. */
class Machine {
  #sleepsSince: number | null = null
  #slept = 0
  #holds: (sql: string) => boolean = () => false
  #held: Held[] = []

  steady = () => (this.#sleepsSince ?? performance.now()) - this.#slept

  over = (database: Database) =>
    watchReads(database, async (sql, read) => {
      const rows = await read()
      if (this.#holds(sql)) await new Promise<void>((resolve) => this.#held.push({ sql, release: resolve }))
      return rows
    })

  /** From now on the answers to these statements do not arrive. */
  hold(holds: (sql: string) => boolean) {
    this.#holds = holds
  }

  /** Waits until the database has answered such a statement. */
  async answered(isSought: (sql: string) => boolean) {
    while (!this.#held.some(({ sql }) => isSought(sql))) await Bun.sleep(5)
  }

  sleep() {
    this.#sleepsSince = performance.now()
  }

  /**
   * One answer that came while it slept arrives, and the others a moment later: then it resolves.
   */
  async wake(isFirst: (sql: string) => boolean) {
    this.#slept += performance.now() - this.#sleepsSince!
    this.#sleepsSince = null
    this.#held
      .splice(
        this.#held.findIndex(({ sql }) => isFirst(sql)),
        1,
      )[0]!
      .release()
    await Bun.sleep(300)
    this.#holds = () => false
    for (const { release } of this.#held.splice(0)) release()
  }
}

for (const engine of engines)
  describe(`a key that is revoked while a server sleeps (${engine})`, () => {
    let server: TestServer
    let database: Database
    let machine: Machine
    let sleeper: OtherServer
    beforeAll(async () => {
      server = await startServer(engine)
      database = await openDatabase(server.address)
      machine = new Machine()
      sleeper = await startOther(
        { address: server.address, world: { ...server.world, steady: machine.steady } },
        { database: machine.over(database), leaseMilliseconds: LEASE_MILLISECONDS },
      )
    }, START_MILLISECONDS)
    afterAll(async () => {
      await sleeper.stop()
      await database.close()
      await server.stop()
    })

    const newKey = async () => (await addKeys(server.database, server, 1))[0]!
    const revoke = (id: string) =>
      server.client.admin.organization.projects.apiKeys.delete(id, { project_id: server.project_id })

    test('does not open it when it fell asleep while it renewed its lease', async () => {
      const key = await newKey()
      expect(await sleeper.opens(key.value)).toBe(200)
      machine.hold(renewsLease)
      await machine.answered(renewsLease)
      machine.sleep()
      await revoke(key.id)
      const isAwake = machine.wake(renewsLease)
      // The lease is renewed, from the moment when that was asked for.
      await Bun.sleep(50)
      expect(await sleeper.opens(key.value)).toBe(401)
      await isAwake
    })

    for (const [what, isHeld] of [
      ['key', looksUpKeys],
      ['limits of its project', readsLimits],
    ] as const)
      test(`does not open it when it fell asleep while it read the ${what}`, async () => {
        const key = await newKey()
        machine.hold(isHeld)
        const opened = sleeper.opens(key.value)
        await machine.answered(isHeld)
        machine.hold((sql) => isHeld(sql) || renewsLease(sql))
        machine.sleep()
        await revoke(key.id)
        await machine.wake(isHeld)
        expect(await opened).toBe(401)
      })
  })
