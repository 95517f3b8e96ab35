/**
 * PostgreSQL fails over to its synchronous standby under load. `npm run bench failover` runs this
 * with more load, and prints figures.
 */
import { expect, test } from 'bun:test'
import { figure, rounds } from '../runs.ts'
import { startServer } from '../setup.ts'
import { failOverUnderLoad } from './failover.ts'
import { startReplicatedPostgres } from './replicated-postgres.ts'

test('a failover to a synchronous standby loses nothing that was acknowledged, and revives no revoked key', async () => {
  const { acknowledged, refused, lost, surprising, revoked, alive, pause } = await failOverUnderLoad({
    changes: rounds(60),
  })
  figure(`${acknowledged} changes acknowledged, ${lost.length} of them lost; ${refused} refused`)
  figure(`${revoked} keys revoked, ${alive.length} of them alive afterwards`)
  figure(`no change for ${Math.round(pause)} ms`)
  expect({ lost, surprising, alive }).toEqual({ lost: [], surprising: [], alive: [] })
  expect(revoked).toBeGreaterThan(10)
  expect(acknowledged).toBeGreaterThan(100)
}, 120_000)

// It waits for the ends of all time limits.
test('a change that the standby does not have is not acknowledged', async () => {
  const postgres = await startReplicatedPostgres()
  const on = { address: postgres.address, drop: postgres.stop }
  const server = await startServer('postgres', { on, outages: true })
  await postgres.killStandby()
  const began = performance.now()
  const response = await server.request('POST', '/organization/projects', { name: 'on one server only' })
  figure(`a change without its standby is answered after ${Math.round(performance.now() - began)} ms`)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ error: { code: 'outcome_unknown' } })
  await server.stop()
}, 120_000)
