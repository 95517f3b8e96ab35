/** A server with the demo organization, as it is on one and the same day: what pictures show. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstStart } from '../admin/bootstrap.ts'
import { fillDemo, whenDemoBegan } from '../admin/demo/demo.ts'
import { openDatabase } from '../database/open.ts'
import { checkPeppers } from '../keys/check-peppers.ts'
import { assemble } from '../server/assemble.ts'
import { findConsole } from '../server/console-files.ts'
import { pageOrigins } from '../server/page-origins.ts'
import { Secret } from '../world/secret.ts'
import { realWorld } from '../world/world.ts'

/** The demo tells the same story on the same day. Unix time in milliseconds. */
export const DEMO_DAY = Date.UTC(2026, 10, 26)

export interface DemoServer {
  /** Without a slash at its end. */
  url: string
  admin_key: string
  stop: () => Promise<void>
}

export async function serveDemo({ withConsole = false } = {}): Promise<DemoServer> {
  const place = mkdtempSync(join(tmpdir(), 'keyhall-picture-'))
  const database = await openDatabase(`sqlite:${join(place, 'demo.db')}`)
  const pepper = new Secret(new Uint8Array(32).fill(7))
  const world = { ...realWorld, now: () => DEMO_DAY }
  await checkPeppers(database, [pepper])
  const settings = { owner_email: 'owner@example.com', admin_key: null }
  const first = (await firstStart(database, pepper, whenDemoBegan(world), settings))!
  await fillDemo(database, pepper, world, first)
  const server = await assemble({
    database,
    peppers: [pepper],
    world,
    cachedKeys: 100,
    leaseMilliseconds: 3000,
    upstreams: null,
    log: () => {},
    addressOf: () => null,
    onError: (_, error) => {
      throw error
    },
    ...(withConsole && {
      console: { source: findConsole()!, gatewayUrl: () => 'https://models.example.com/v1' },
      originsOf: pageOrigins({ public_url: null, trusted_proxies: 0, hasTls: false }),
    }),
  })
  const socket = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => server.fetch(request) })
  return {
    url: socket.url.href.replace(/\/$/, ''),
    admin_key: first.admin_key!,
    async stop() {
      await socket.stop(true)
      await server.stop()
      await database.close()
      rmSync(place, { recursive: true, force: true })
    },
  }
}
