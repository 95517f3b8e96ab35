/** A second server on the database of another, to see that what one ends is over on both. */
import { openDatabase } from '../database/open.ts'
import { assemble } from '../server/assemble.ts'
import type { Parts } from '../server/parts.ts'
import { pageOrigin, testPepper, type TestServer } from './setup.ts'

export type OtherServer = Awaited<ReturnType<typeof startOther>>

/** It has the clock of the first, and an error that is logged fails the test. */
export async function startOther({ address, world }: Pick<TestServer, 'address' | 'world'>, parts?: Partial<Parts>) {
  const database = await openDatabase(address)
  const { context, ...other } = await assemble({
    database,
    peppers: [testPepper],
    world,
    cachedKeys: 1_000,
    leaseMilliseconds: 3_000,
    upstreams: null,
    log: () => {},
    addressOf: () => '192.0.2.1',
    originsOf: () => [pageOrigin],
    onError: (_, error) => {
      throw error
    },
    ...parts,
  })
  const fetch = async (request: Request) => other.fetch(request)
  return {
    context,
    fetch,
    /** What `/metrics` answers. */
    metrics: async () => other.router.serving(['metrics'])(new Request('http://keyhall.test/metrics')),
    /** The status with which its `/verify` answers to the key of a project. */
    async opens(key: string, headers: Record<string, string> = {}) {
      const about = { authorization: `Bearer ${key}`, ...headers }
      return (await fetch(new Request('http://keyhall.test/verify', { headers: about }))).status
    },
    async stop() {
      await other.stop()
      await database.close()
    },
  }
}
