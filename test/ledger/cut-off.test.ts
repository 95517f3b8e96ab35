/**
 * A server that is cut off for longer than its lease goes on with requests that no limit applies
 * to. When it is back, each of them is counted, and none twice.
 */
import { describe, expect, test } from 'bun:test'
import { engines } from '../setup.ts'
import { Servers, Server } from './servers.ts'
import { withServers } from './with-servers.ts'

for (const engine of engines)
  describe(`a server that was cut off (${engine})`, () => {
    let servers: Servers
    let one: Server
    let what: { project_id: string; bound: number }
    let tests = 0
    withServers(engine, async (started) => {
      servers = started
      what = { project_id: `p${++tests}`, bound: 100 }
      one = await servers.start()
      await servers.start()
    })

    const settled = async () => {
      expect(await servers.wrong()).toEqual([])
      return (await servers.budgets()).find(({ project_id }) => project_id === what.project_id)?.settled ?? 0
    }
    /** Others take it for dead meanwhile. */
    const cutOff = async () => {
      await servers.advance(10_000)
      one.wake()
      await servers.advance(2_000)
    }

    test('counts what began while it was, and not what was settled without it', async () => {
      const known = await one.admit(what)
      await servers.advance(600)
      one.stall()
      const another = await one.admit(what)
      expect(await one.use(what, 30)).toBeNull()
      known.settle({ requests: 1, cost_output: 7 })
      await cutOff()
      // What was known is settled at its bound.
      expect(await settled()).toBe(100 + 30)
      another.settle({ requests: 1, cost_output: 12 })
      await servers.advance(2_000)
      expect(await settled()).toBe(100 + 30 + 12)
      expect(await one.use(what, 5)).toBeNull()
      await servers.advance(2_000)
      expect(await settled()).toBe(100 + 30 + 12 + 5)
    })

    for (const [fate, expected] of [
      ['is lost', 30 + 12 + 5],
      ['loses its answer', 30 + 100 + 5],
    ] as const)
      test(`counts each request once when its last exchange ${fate}`, async () => {
        const running = await one.admit(what)
        expect(await one.use(what, 30)).toBeNull()
        one.next = fate
        await servers.advance(600)
        expect(one.errors.splice(0)).toHaveLength(1)
        one.stall()
        running.settle({ requests: 1, cost_output: 12 })
        expect(await one.use(what, 5)).toBeNull()
        await cutOff()
        expect(await settled()).toBe(expected)
      })

    test('counts each request once when it begins anew, and the answer to that is lost too', async () => {
      expect(await one.use(what, 30)).toBeNull()
      one.next = 'loses its answer'
      await servers.advance(600)
      one.stall()
      one.next = 'loses its answer'
      await cutOff()
      expect(one.errors.splice(0)).toHaveLength(2)
      expect(await settled()).toBe(30)
    })
  })
