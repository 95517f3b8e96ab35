/** The servers of a group of tests: one database for all of them, other servers for each test. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'bun:test'
import { LEASE_MILLISECONDS } from '../../ledger/ledger-exchange.ts'
import { START_MILLISECONDS, type EngineName } from '../setup.ts'
import { Servers } from './servers.ts'

/** `begin` runs before each test, and starts the servers that it needs. */
export function withServers(engine: EngineName, begin: (servers: Servers) => Promise<void>, now?: number) {
  let servers: Servers
  beforeAll(async () => {
    servers = await Servers.open(engine, now)
  }, START_MILLISECONDS)
  beforeEach(() => begin(servers))
  afterEach(async () => {
    await servers.stopAll()
    // For the next test no server lives that this one killed.
    servers.now += LEASE_MILLISECONDS + 1
    // A server that starts asks for some of each limit that was used lately, if few servers died.
    await servers.database.write(async (sql) => {
      await sql.deleteFrom('rate_windows').execute()
      await sql.deleteFrom('swept_servers').execute()
    })
  })
  afterAll(() => servers.stop())
}
