import { afterAll, beforeAll, expect, test } from 'bun:test'
import { startGateway, type GatewayServer } from './setup.ts'
import { startUpstream } from './upstream.ts'

const upstreams = ['one', 'two'].map((name) => startUpstream(name))
let server: GatewayServer

beforeAll(async () => {
  const [one, two] = upstreams.map(({ url }) => url)
  server = await startGateway(
    'sqlite',
    `upstreams: [{ name: one, base_url: "${one}", models: [a, both] }, { name: two, base_url: "${two}", models: [both], default: true }]`,
  )
})
afterAll(async () => {
  await server.stop()
  await Promise.all(upstreams.map((one) => one.stop()))
})

/** Which engine stores the keys makes no difference here. */
test('the input file of a batch is read where the batch goes', async () => {
  const sent = () => upstreams.map(({ sent }) => sent.splice(0).map(({ method, path }) => `${method} ${path}`))
  for (const model of ['a', 'both', 'both', undefined]) {
    await server.request('POST', '/batches', { input_file_id: 'empty', model })
    expect(sent().toSorted((one, other) => one.length - other.length)).toEqual([
      [],
      ['GET /v1/files/empty/content', 'POST /v1/batches'],
    ])
  }
})
