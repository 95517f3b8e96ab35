import { expect, spyOn, test } from 'bun:test'
import { Keyhall } from '../../client/index.ts'
import { onBothEngines } from '../setup.ts'
import { clientOf, failure, json, scripted } from './setup.ts'

const soon = { 'retry-after-ms': '1' }
const down = (status: number, headers = {}) => json({ error: { message: 'not now' } }, status, { ...soon, ...headers })
const project = { object: 'organization.project', id: 'proj_1' }
const retrieve = (client: Keyhall, options = {}) => client.admin.organization.projects.retrieve('proj_1', options)

for (const status of [408, 409, 429, 500, 503])
  test(`sends again after ${status}, twice by default`, async () => {
    const passing = scripted([down(status), down(status), json(project)])
    expect(await retrieve(passing.client)).toEqual(project as never)
    const lasting = scripted([() => down(status)])
    expect((await failure(retrieve(lasting.client))).status).toBe(status)
    expect(lasting.sent).toHaveLength(3)
  })

test('does not send again what the caller did wrong', async () => {
  const { client, sent } = scripted([() => down(404)])
  await failure(retrieve(client))
  expect(sent).toHaveLength(1)
})

test('obeys x-should-retry against the status', async () => {
  const no = scripted([() => down(500, { 'x-should-retry': 'false' })])
  await failure(retrieve(no.client))
  expect(no.sent).toHaveLength(1)
  const yes = scripted([() => down(400, { 'x-should-retry': 'true' })])
  await failure(retrieve(yes.client))
  expect(yes.sent).toHaveLength(3)
})

test('sends again as often as the client or the call says', async () => {
  const once = scripted([() => down(500)], { maxRetries: 1 })
  await failure(retrieve(once.client))
  expect(once.sent).toHaveLength(2)
  const never = scripted([() => down(500)])
  await failure(retrieve(never.client, { maxRetries: 0 }))
  expect(never.sent).toHaveLength(1)
})

test('sends a body again as it was', async () => {
  const { client, sent } = scripted([down(500), json(project)])
  await client.admin.organization.projects.create({ name: 'Twice' })
  expect(sent.map(({ init }) => init.body)).toEqual(['{"name":"Twice"}', '{"name":"Twice"}'])
})

/**
 * The milliseconds that the client waits between attempts, none of which is waited for. Only timers
 * of client/timing.ts count: a server of another test file may still live in this process and set
 * timers of its own.
 */
async function waits(replies: Parameters<typeof scripted>[0], maxRetries: number) {
  const asked: number[] = []
  const real = globalThis.setTimeout
  const timers = spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, milliseconds: number) => {
    const ofClient = new Error().stack!.includes('client/timing.ts')
    if (!ofClient || milliseconds === 600_000) return real(work, milliseconds)
    asked.push(milliseconds)
    return real(work, 0)
  }) as typeof setTimeout)
  try {
    await failure(retrieve(scripted(replies, { maxRetries }).client))
  } finally {
    timers.mockRestore()
  }
  return asked
}

test('waits half a second, doubling up to eight, less at most a quarter', async () => {
  const asked = await waits([() => json({}, 500)], 6)
  expect(asked).toHaveLength(6)
  for (const [retry, most] of [500, 1000, 2000, 4000, 8000, 8000].entries()) {
    expect(asked[retry]).toBeLessThanOrEqual(most)
    expect(asked[retry]).toBeGreaterThan(most * 0.75 - 1)
  }
  expect(new Set(asked.slice(4)).size).toBe(2)
})

test('waits as long as the server asks, up to a minute', async () => {
  const after = (headers: Record<string, string>) => waits([() => json({}, 429, headers)], 1)
  expect(await after({ 'retry-after': '7' })).toEqual([7000])
  expect(await after({ 'retry-after-ms': '1234', 'retry-after': '7' })).toEqual([1234])
  const [until] = await after({ 'retry-after': new Date(Date.now() + 30_000).toUTCString() })
  expect(until).toBeWithin(25_000, 30_001)
  for (const unusable of ['61', '-1', 'soon', new Date(0).toUTCString()])
    expect((await after({ 'retry-after': unusable }))[0]).toBeLessThanOrEqual(500)
})

test('sends again when no answer comes, and says what the platform said', async () => {
  const broken = () => {
    throw new TypeError('fetch failed')
  }
  expect(await waits([broken], 2)).toHaveLength(2)
  const error = await failure(retrieve(scripted([broken], { maxRetries: 0 }).client))
  expect(error).toBeInstanceOf(Keyhall.APIConnectionError)
  expect(error.message).toBe('Connection error.')
  expect(error.cause.message).toBe('fetch failed')
  expect(error.status).toBeUndefined()
})

const silent = () => new Promise<never>(() => {})

/** An answer that begins and never ends; `error` breaks it off. */
const unending = (error?: Error) => () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"object":'))
        if (error) controller.error(error)
      },
    }),
    { headers: { 'content-type': 'application/json' } },
  )

test('gives up an attempt when head or body of the answer exceed the timeout', async () => {
  for (const reply of [silent, unending()]) {
    const { client, sent } = scripted([reply], { timeout: 20, maxRetries: 0 })
    expect(await failure(retrieve(client))).toBeInstanceOf(Keyhall.APIConnectionTimeoutError)
    expect(sent).toHaveLength(1)
    expect(sent[0]!.init.signal?.aborted).toBe(true)
  }
})

test('sends again after an answer that broke off', async () => {
  const replies = [unending(new Error('reset')), json(project)]
  const { client, sent } = scripted(replies)
  const { data, response } = await retrieve(client).withResponse()
  expect(data).toEqual(project as never)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(sent).toHaveLength(2)
})

test('does not send again because the body was read through asResponse', async () => {
  const { client, sent } = scripted([json(project)])
  const call = retrieve(client)
  expect(await (await call.asResponse()).json()).toEqual(project)
  expect((await failure(call)).message).toContain('asResponse')
  expect(sent).toHaveLength(1)
})

test('waits without end where the timeout is infinite', async () => {
  const late = async () => {
    await Bun.sleep(10)
    return json(project)
  }
  const { client } = scripted([late], { timeout: Infinity, maxRetries: 0 })
  expect(await retrieve(client)).toEqual(project as never)
})

test("ends at the caller's signal: before, during and between attempts", async () => {
  const before = scripted([json(project)])
  expect(await failure(retrieve(before.client, { signal: AbortSignal.abort() }))).toBeInstanceOf(
    Keyhall.APIUserAbortError,
  )
  expect(before.sent).toHaveLength(0)

  for (const reply of [silent, unending(), () => json({}, 500, { 'retry-after': '60' })]) {
    const caller = new AbortController()
    const { client, sent } = scripted([reply])
    const call = failure(retrieve(client, { signal: caller.signal }))
    await Bun.sleep(5)
    caller.abort()
    expect(await call).toBeInstanceOf(Keyhall.APIUserAbortError)
    expect(sent).toHaveLength(1)
  }
})

onBothEngines('the client over a socket', (server) => {
  test('survives a server that is not up yet', async () => {
    const reserved = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
    const { port } = reserved
    await reserved.stop(true)
    let started: Bun.Server<undefined> | undefined
    const client = clientOf(server(), {
      baseURL: `http://127.0.0.1:${port}/v1`,
      maxRetries: 2,
      fetch: async (url, init) => {
        try {
          return await fetch(url, init)
        } finally {
          started ??= Bun.serve({ port, hostname: '127.0.0.1', fetch: server().fetch })
        }
      },
    })
    const page = await client.admin.organization.projects.list()
    expect(page.data.map(({ name }) => name)).toEqual(['Default project'])
    await started?.stop(true)
  })
})
