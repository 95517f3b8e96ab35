import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { toFile } from 'openai'
import { createServer, type AddressInfo } from 'node:net'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { Upstream } from '../../gateway/upstreams.ts'
import { Secret } from '../../world/secret.ts'
import { realWorld } from '../../world/world.ts'
import { startGateway, until, type GatewayServer } from './setup.ts'
import { SECRET, startRawUpstream, startUpstream, type FakeUpstream } from './upstream.ts'

/** Nothing listens there. */
const DEAD = 'http://127.0.0.1:1/v1'

/** Which engine stores the keys makes no difference here. */
describe('several upstreams', () => {
  let one: FakeUpstream
  let two: FakeUpstream
  let mute: Awaited<ReturnType<typeof startRawUpstream>>
  let server: GatewayServer
  const file = (more = '') => `
upstreams:
  - name: dead
    base_url: ${DEAD}
    models: [both, only-dead]
  - name: mute
    base_url: "${mute.url}"
    models: [late]
    weight: 900
    timeouts: { first_byte: 0.3 }
  - name: one
    base_url: "${one.url}/"
    models: [both, late, "share*", "vendor/*"]
    weight: 3
  - name: two
    base_url: "${two.url}"
    models: ["share*"]
    default: true
  - name: asked
    base_url: "${two.url}"
    weight: 0
${more}`

  beforeAll(async () => {
    one = startUpstream('one')
    two = startUpstream('two')
    one.models = ['vendor/a', 'other/b']
    two.models = ['tiny', 'shared']
    mute = await startRawUpstream(null, 'hang')
    server = await startGateway('sqlite', file())
  })
  afterAll(async () => {
    await server.stop()
    await Promise.all([one.stop(), two.stop()])
    mute.stop()
  })

  const answered = async (model: string, headers: Record<string, string> = {}) => {
    const response = await server.request('POST', '/chat/completions', { model }, headers)
    const body = (await response.json()) as { model?: string; error?: { code: string } }
    return body.model ?? body.error!.code
  }

  test('the next one is asked when one cannot be reached or does not answer in time', async () => {
    expect(await answered('both')).toBe('both of one')
    expect(await answered('late', { 'idempotency-key': 'twice-is-once' })).toBe('late of one')
    expect(mute.heard.join('')).toContain('POST /v1/chat/completions')
    // Now it rests: the other is asked first.
    const heard = mute.heard.length
    expect(await answered('late')).toBe('late of one')
    expect(mute.heard.length).toBe(heard)
    expect(await answered('only-dead')).toBe('upstream_unreachable')
  })

  test('the requests for a model are shared by weight', async () => {
    const before = [one.sent.length, two.sent.length]
    for (let n = 0; n < 40; n++) await answered('share-me')
    expect([one.sent.length - before[0]!, two.sent.length - before[1]!]).toEqual([30, 10])
  })

  test('what names no model goes to the default', async () => {
    const before = two.sent.length
    await server.request('GET', '/batches?limit=2')
    await server.client().files.create({ file: await toFile(new Uint8Array(10), 'x.jsonl'), purpose: 'batch' })
    await server.request('POST', '/responses/resp_1/cancel')
    expect(two.sent.slice(before).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/batches?limit=2',
      'POST /v1/files',
      'POST /v1/responses/resp_1/cancel',
    ])
  })

  test('the models of all are listed once, patterns by what the upstream has', async () => {
    const { data } = (await (await server.request('GET', '/models')).json()) as {
      data: { id: string; owned_by: string }[]
    }
    expect(data.map(({ id, owned_by }) => `${id} ${owned_by}`)).toEqual([
      'both dead',
      'only-dead dead',
      'late mute',
      'vendor/a one',
      'shared two',
      'tiny two',
    ])
  })

  test('a form that names its model after a file finds its upstream', async () => {
    const form = server.client().audio.transcriptions
    const file = await toFile(new Uint8Array(5 * 1024 * 1024).fill(13), 'speech.wav')
    const before = one.sent.length
    expect((await form.create({ file, model: 'vendor/whisper' })).text).toMatch(/for vendor\/whisper$/)
    expect(one.sent.length).toBe(before + 1)
  })

  test('a changed file loads without losing a request; a wrong one changes nothing', async () => {
    two.models.push('stalls')
    const stream = await server
      .client()
      .chat.completions.create({ model: 'words', messages: [], stream: true })
      .catch(() => null)
    expect(stream).toBeNull()
    const held = server.request('POST', '/chat/completions', { model: 'late' })
    server.write(file().replace('"share*", "vendor/*"', '"share*", "vendor/*", words'))
    server.reload()
    expect((await (await held).json()) as object).toMatchObject({ model: 'late of one' })
    expect((await server.request('POST', '/chat/completions', { model: 'words' })).status).toBe(200)

    server.write(file().replace('weight: 3', 'wieght: 3'))
    server.reload()
    const said = () => server.log().find(({ message }) => String(message).startsWith('The upstreams stay'))
    await until(() => said() !== undefined)
    expect(said()!.message).toMatch(
      /^The upstreams stay as they were\. .*keyhall\.yaml:14:5: There is no "wieght" here; did you mean "weight"\?$/,
    )
    expect((await server.request('POST', '/chat/completions', { model: 'words' })).status).toBe(200)
  })
})

describe('an upstream on this machine', () => {
  test('is asked for its models directly, not through the proxy of the environment', async () => {
    const proxy = await startRawUpstream('HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"data":[]}')
    const fake = startUpstream()
    const before = process.env.HTTP_PROXY
    process.env.HTTP_PROXY = proxy.url.replace('/v1', '')
    try {
      // Else a proxy that nobody asks would prove nothing.
      await fetch(`${fake.url}/models`)
      expect(proxy.heard.splice(0)).toHaveLength(1)
      const { upstreams } = singleUpstream(fake.url, new Secret(SECRET))
      const upstream = new Upstream(upstreams[0]!, realWorld)
      await upstream.ask()
      expect([...upstream.listed!.keys()]).toContain('tiny')
      expect(proxy.heard).toEqual([])
    } finally {
      if (before === undefined) delete process.env.HTTP_PROXY
      else process.env.HTTP_PROXY = before
      await fake.stop()
      proxy.stop()
    }
  })
})

describe('an upstream that closes a kept connection as it is used again', () => {
  /** The first request of each connection is answered, the second closes it. */
  async function startClosing() {
    const asked: number[] = []
    const server = createServer((socket) => {
      const connection = asked.push(0) - 1
      socket.on('error', () => {})
      socket.on('data', () => {
        if (++asked[connection]! > 1) socket.destroy()
        else socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked, stop: () => server.close() }
  }

  test('is asked once more, on a connection of its own', async () => {
    const upstream = await startClosing()
    const server = await startGateway(
      'sqlite',
      `upstreams: [{ name: closes, base_url: "${upstream.url}", models: [tiny] }]`,
    )
    for (let n = 0; n < 4; n++)
      expect((await server.request('POST', '/chat/completions', { model: 'tiny' })).status).toBe(200)
    // Else nothing was closed as it was used.
    expect(upstream.asked).toContain(2)
    await server.stop()
    upstream.stop()
  })

  test('is not asked again when it closes a new one: it may have worked for the request', async () => {
    const upstream = await startRawUpstream(null, 'close')
    const server = await startGateway(
      'sqlite',
      `upstreams: [{ name: closes, base_url: "${upstream.url}", models: [tiny] }]`,
    )
    expect((await server.request('POST', '/chat/completions', { model: 'tiny' })).status).toBe(502)
    expect(upstream.heard).toHaveLength(1)
    await server.stop()
    upstream.stop()
  })
})

describe('no upstream at all', () => {
  test('is said in a sentence, to who has a key', async () => {
    const server = await startGateway('sqlite', null)
    const response = await server.request('POST', '/chat/completions', { model: 'tiny' })
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'no_upstream', type: 'server_error' } })
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(401)
    await server.stop()
  })
})

describe('a model that no upstream lists', () => {
  /** What the upstreams were asked, and how a request for a model was answered. */
  async function startWith(file: (one: FakeUpstream, two: FakeUpstream) => string) {
    const [one, two] = [startUpstream('one'), startUpstream('two')]
    two.models = ['other']
    const server = await startGateway('sqlite', file(one, two))
    return {
      server,
      one,
      ask: async (model: string) => {
        const answer = await server.request('POST', '/chat/completions', { model })
        const { model: by, error } = (await answer.json()) as { model?: string; error?: { code: string } }
        return by ?? error!.code
      },
      stop: async () => {
        await server.stop()
        await Promise.all([one.stop(), two.stop()])
      },
    }
  }

  test('goes to the only upstream, which may know it by another name', async () => {
    const { ask, server, one, stop } = await startWith(({ url }) => `upstreams: [{ name: one, base_url: "${url}" }]`)
    // Once its list is known.
    await server.request('GET', '/models')
    expect(await ask('tiny')).toBe('tiny of one')
    expect(await ask('llama3')).toBe('llama3 of one')
    // Nobody means to show their key to the upstream.
    const before = one.sent.length
    expect(await ask(server.key)).toBe('model_not_found')
    expect(one.sent).toHaveLength(before)
    await stop()
  })

  test('goes to the default of several', async () => {
    const { ask, stop } = await startWith(
      (one, two) => `
upstreams:
  - { name: one, base_url: "${one.url}" }
  - { name: two, base_url: "${two.url}", default: true }
`,
    )
    expect(await ask('tiny')).toBe('tiny of one')
    expect(await ask('llama3')).toBe('llama3 of two')
    await stop()
  })

  test('goes nowhere where none is marked as the default, or where the configuration says what that one serves', async () => {
    for (const more of ['', ', default: true, models: [other]']) {
      const { ask, stop } = await startWith(
        (one, two) => `
upstreams:
  - { name: one, base_url: "${one.url}" }
  - { name: two, base_url: "${two.url}"${more} }
`,
      )
      expect(await ask('other')).toBe('other of two')
      expect(await ask('llama3')).toBe('model_not_found')
      await stop()
    }
  })
})

describe('an upstream that does not say which models it has', () => {
  test('is asked for any', async () => {
    const raw = await startRawUpstream('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}')
    const server = await startGateway('sqlite', null, { KEYHALL_UPSTREAM: raw.url })
    const response = await server.request('POST', '/chat/completions', { model: 'whatever' })
    expect([response.status, await response.text()]).toEqual([404, '{}'])
    expect((await server.request('GET', '/models')).status).toBe(502)
    await server.stop()
    raw.stop()
  })
})
