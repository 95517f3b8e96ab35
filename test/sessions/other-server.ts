/** A second server on the database of another, to see that what one ends is over on both. */
import { openDatabase } from '../../database/open.ts'
import { assemble } from '../../server/assemble.ts'
import { pageOrigin, testPepper, type TestServer } from '../setup.ts'

export type OtherServer = Awaited<ReturnType<typeof startOther>>

/** It has the clock of the first. */
export async function startOther({ address, world }: TestServer) {
  const database = await openDatabase(address)
  const other = await assemble({
    database,
    peppers: [testPepper],
    world,
    cachedKeys: 100,
    leaseMilliseconds: 3000,
    upstreams: null,
    log: () => {},
    addressOf: () => '192.0.2.1',
    originsOf: () => [pageOrigin],
    onError: (_, error) => {
      throw error
    },
  })
  const stop = async () => {
    await other.stop()
    await database.close()
  }
  return { fetch: async (request: Request) => other.fetch(request), stop }
}
