/**
 * A PostgreSQL that is really gone: a whole server uses up what it was granted and then refuses
 * requests under a limit, never above the limit, and goes on with others.
 */
import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folder, serve } from '../cli/command.ts'
import { startPostgres } from '../postgres.ts'
import { program } from '../program.ts'
import { START_MILLISECONDS, testPepper } from '../setup.ts'
import { addKeys, startNodes } from './nodes.ts'
import { startUpstream } from './upstream.ts'

const LIMIT = 500

// A server that is given to the tests is not theirs to kill.
test.skipIf(Boolean(process.env.TEST_POSTGRES_URL))(
  'what was granted is used up, then there is 503 with the time to wait, and nothing is lost when PostgreSQL is back',
  async () => {
    const postgres = await startPostgres()
    const upstream = startUpstream()
    const home = folder()
    const nodes = await startNodes('postgres', { address: postgres.url, drop: postgres.stop })
    const [key] = await addKeys(nodes.database, nodes.tenant, 1)
    const config = join(home.path, 'keyhall.yaml')
    writeFileSync(
      config,
      `upstreams:\n  - { name: one, base_url: "${upstream.url}", models: ["*"] }\n` +
        `models:\n  - { match: limited, limits: { requests_per_minute: ${LIMIT} } }\n`,
    )
    // What keys may do is known for longer than what limits allow.
    const server = await serve(nodes.address, ['--lease-seconds', '60'], {
      program,
      env: { KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex'), KEYHALL_CONFIG: config },
      cwd: home.path,
    })
    const ask = async (model: string) => {
      const answer = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key!.value}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages: [] }),
      })
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer }
    }
    try {
      const statuses: number[] = []
      for (let n = 0; n < 20; n++) statuses.push((await ask('limited')).status)
      expect((await ask('free')).status).toBe(200)
      await postgres.kill!()
      let refused = await ask('limited')
      for (; refused.status === 200; refused = await ask('limited')) statuses.push(refused.status)
      expect(refused).toMatchObject({ status: 503, body: { error: { code: 'limits_unreachable' } } })
      expect(refused.headers.get('retry-after')).toBe('1')
      // It stays so, and what no limit applies to goes on.
      expect([(await ask('limited')).status, (await ask('free')).status]).toEqual([503, 200])
      expect(new Set(statuses)).toEqual(new Set([200]))
      expect(statuses.length).toBeLessThan(LIMIT)
      const sent = upstream.sent.length

      await postgres.restart()
      let answer = await ask('limited')
      for (; answer.status === 503; answer = await ask('limited')) await Bun.sleep(100)
      expect(answer.status).toBe(200)
      expect(upstream.sent).toHaveLength(sent + 1)
      // What ended while it was gone is counted, once.
      server.signal('SIGTERM')
      await server.ended
      const counted = await nodes.database.read.selectFrom('usage_days').select('requests').execute()
      expect(counted.reduce((sum, { requests }) => sum + requests!, 0)).toBe(sent + 1)
    } finally {
      server.signal('SIGKILL')
      await server.ended
      await upstream.stop()
      await nodes.stop()
      home.remove()
    }
  },
  START_MILLISECONDS * 2,
)

interface Answer {
  error?: { code: string }
}
