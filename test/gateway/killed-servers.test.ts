/**
 * Whole servers, each a process, that are killed with kill -9 while requests run: what they ran is
 * charged once and marked as estimated, and what came later is settled by the next server.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monthOf } from '../../ledger/usage-counts.ts'
import { budgetChecks, disagreements } from '../../ledger/verify.ts'
import { folder, serve, type Serving } from '../cli/command.ts'
import { program } from '../program.ts'
import { engines, START_MILLISECONDS, testPepper } from '../setup.ts'
import { addKeys, startNodes, type Nodes } from './nodes.ts'

/** Ten dollars for a million tokens, in nano-dollars a token. */
const TOKEN = 10_000
const usage = { input_tokens: 0, output_tokens: 30, total_tokens: 30 }

for (const engine of engines)
  describe(`a server that is killed (${engine})`, () => {
    let nodes: Nodes
    let key: string
    const home = folder()
    const upstream = startUpstream()
    const started: Serving[] = []
    beforeAll(async () => {
      nodes = await startNodes(engine)
      key = (await addKeys(nodes.database, nodes.tenant, 1))[0]!.value
    }, START_MILLISECONDS)
    afterAll(async () => {
      for (const server of started) server.signal('SIGKILL')
      await Promise.all(started.map(({ ended }) => ended))
      await upstream.stop()
      await nodes.stop()
      home.remove()
    })

    async function start() {
      const config = join(home.path, 'keyhall.yaml')
      writeFileSync(
        config,
        `upstreams:\n  - { name: one, base_url: "${upstream.url}", models: ["*"] }\n` +
          `models:\n  - { match: m, prices: [{ input: 0, output: 10, batch: 0.5 }], max_output_tokens: 100 }\n`,
      )
      const server = await serve(nodes.address, [], {
        program,
        env: { KEYHALL_PEPPER: Buffer.from(testPepper.reveal()).toString('hex'), KEYHALL_CONFIG: config },
        cwd: home.path,
      })
      started.push(server)
      return server
    }
    const ask = (server: Serving, path: string, body?: object, by = key) =>
      fetch(`${server.url}/v1${path}`, {
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
        headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json' },
      })

    /** What is charged to the project, and that all sums agree. */
    async function charged() {
      const { read } = nodes.database
      const checks = await budgetChecks(read, monthOf(Date.now()))
      expect(checks.flatMap((one) => disagreements(one, null))).toEqual([])
      const { settled = 0, reserved = 0 } = checks.find(({ project_id }) => project_id !== '') ?? {}
      const rows = await read
        .selectFrom('usage_days')
        .innerJoin('usage_series', 'usage_series.id', 'usage_days.series_id')
        .select(['estimated', 'batch', 'requests', 'cost_output'])
        .execute()
      const sums = rows.map(({ requests, cost_output, ...of }) => ({ ...of, requests, cost: cost_output ?? 0 }))
      return { settled, reserved, sums }
    }
    /** Kills it, starts another, and waits until that has settled what the first one held. */
    async function killed(server: Serving) {
      const { database } = nodes
      const dead = await database.read.selectFrom('ledger_servers').select('id').execute()
      server.signal('SIGKILL')
      await server.ended
      const next = await start()
      const ids = dead.map(({ id }) => id)
      // Its lease ends at once, and not only after seconds.
      await database.write((sql) =>
        sql.updateTable('ledger_servers').set({ until: 0 }).where('id', 'in', ids).execute(),
      )
      await until(async () => {
        const left = await database.read.selectFrom('ledger_servers').select('id').where('id', 'in', ids).execute()
        return left.length === 0
      })
      return next
    }

    /** How many requests run by the database, and what they may cost. */
    async function running() {
      const rows = await nodes.database.read.selectFrom('in_flight').select(['requests', 'amount']).execute()
      return { requests: sumOf(rows.map((row) => row.requests)), amount: sumOf(rows.map((row) => row.amount)) }
    }

    test(
      'in mid-stream and in mid-answer: each request is charged once at its bound, with a spend limit and without',
      async () => {
        let cost = 0
        for (const [round, limit] of [null, 1_000].entries()) {
          const server = await start()
          if (limit !== null) {
            const path = `/organization/projects/${nodes.tenant.project_id}/spend_limit`
            const body = { threshold_amount: limit, currency: 'USD', interval: 'month' }
            expect((await ask(server, path, body, nodes.tenant.admin_key)).status).toBe(200)
          }
          const stream = await ask(server, '/chat/completions', {
            model: 'm',
            max_tokens: 50,
            messages: [],
            stream: true,
          })
          const reader = stream.body!.getReader()
          await reader.read()
          // Read on: an answer that nobody holds any more is closed when memory is collected.
          const streamed = readToEnd(reader).catch(() => 'cut')
          const whole = ask(server, '/chat/completions', { model: 'm', max_tokens: 70, messages: [] }).catch(
            () => 'cut',
          )
          await until(async () => (await running()).requests === 2)
          cost += (await running()).amount
          expect(cost).toBeWithin((round + 1) * 120 * TOKEN, (round + 1) * 120.1 * TOKEN)
          const next = await killed(server)
          expect([await streamed, await whole]).toEqual(['cut', 'cut'])
          expect(await charged()).toMatchObject({ settled: cost, reserved: 0 })
          const sums = (await charged()).sums.filter((row) => row.cost > 0)
          expect(sums).toEqual([{ estimated: 1, batch: 0, requests: (round + 1) * 2, cost }])
          next.signal('SIGTERM')
          await next.ended
        }
      },
      START_MILLISECONDS * 2,
    )

    test(
      'while a batch is worked on: the next server settles it, once, with what it used',
      async () => {
        const before = (await charged()).settled
        const first = await start()
        const batch = { input_file_id: 'file', endpoint: '/v1/chat/completions', completion_window: '24h' }
        const { id } = (await (await ask(first, '/batches', batch)).json()) as { id: string }
        await until(
          async () => (await nodes.database.read.selectFrom('deferred_requests').select('id').execute()).length === 1,
        )
        const second = await killed(first)
        // It is still reserved, at the price of batches: 100 tokens of each of its two lines.
        expect((await charged()).reserved).toBeGreaterThanOrEqual(100 * TOKEN)
        upstream.complete(id)
        for (let n = 0; n < 2; n++) expect(await (await ask(second, `/batches/${id}`)).json()).toMatchObject({ usage })
        // Its own exchanges go on, and settle nothing again.
        second.signal('SIGTERM')
        await second.ended
        const after = await charged()
        expect(after.settled - before).toBe((usage.output_tokens * TOKEN) / 2)
        expect(after.sums.filter((row) => row.batch === 1)).toMatchObject([{ estimated: 0, cost: 15 * TOKEN }])
      },
      START_MILLISECONDS,
    )
  })

async function readToEnd(reader: ReadableStreamDefaultReader<Uint8Array>) {
  while (!(await reader.read()).done);
  return 'whole'
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)

async function until(holds: () => Promise<boolean>) {
  for (let tries = 0; tries < 600; tries++) {
    if (await holds()) return
    await Bun.sleep(50)
  }
  throw new Error('it never came')
}

/** Its streams and its answers do not end by themselves; a batch does when the test says so. */
function startUpstream() {
  const line = (n: number) =>
    JSON.stringify({
      custom_id: `${n}`,
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model: 'm', max_tokens: 100, messages: [] },
    })
  const batches = new Map<string, object>()
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname.slice('/v1'.length)
      if (path.endsWith('/content')) return new Response(`${line(1)}\n${line(2)}\n`)
      if (path.startsWith('/batches/')) return Response.json(batches.get(path.slice('/batches/'.length)))
      if (request.method === 'GET') return Response.json({ object: 'list', data: [{ id: 'm', object: 'model' }] })
      const body = (await request.json()) as { stream?: boolean; endpoint?: string }
      if (path === '/batches') {
        const batch = { id: 'batch_one', object: 'batch', status: 'validating', endpoint: body.endpoint }
        batches.set(batch.id, batch)
        return Response.json(batch)
      }
      if (!body.stream) return await new Promise<never>(() => {})
      const event = `data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n`
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await Bun.sleep(20)
            controller.enqueue(new TextEncoder().encode(event))
          },
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      )
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    complete: (id: string) => batches.set(id, { ...batches.get(id), status: 'completed', usage }),
    stop: () => server.stop(true),
  }
}
