/** What a project may use and spend beside what it uses now, as `keyhall limits` shows it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { Keyhall } from '../../client/index.ts'
import { engines, START_MILLISECONDS } from '../setup.ts'
import { run } from '../cli/command.ts'
import { ADMIN_KEY, startGateway, until, type GatewayServer } from '../gateway/setup.ts'
import { startUpstream, type FakeUpstream } from '../gateway/upstream.ts'

setDefaultTimeout(START_MILLISECONDS)

// A call costs $0.005: the upstream answers that it read one token and wrote two.
const yaml = (url: string) => `
upstreams:
  - { name: one, base_url: "${url}", models: ["priced", "silent", "free", "spoken-*"] }
models:
  - match: priced
    prices: [{ input: 1000, output: 2000 }]
    max_output_tokens: 100
    limits: { requests_per_minute: 5, tokens_per_minute: 100000, requests_per_day: 2147483647 }
  - match: silent
    prices: [{ output: 2000 }]
    max_output_tokens: 100
  - match: spoken-*
    limits: { audio_megabytes_per_minute: 2 }
`

for (const engine of engines)
  describe(`the limits of a project (${engine})`, () => {
    let upstream: FakeUpstream
    let server: GatewayServer
    beforeAll(async () => {
      upstream = startUpstream()
      server = await startGateway(engine, yaml(upstream.url))
    })
    afterAll(async () => {
      await server.stop()
      await upstream.stop()
    })

    const limits = () =>
      new Keyhall({ adminAPIKey: ADMIN_KEY, baseURL: `${server.url}/v1` }).admin.organization.projects.limits.retrieve(
        server.project_id,
      )
    const ask = (model: string, signal?: AbortSignal) =>
      server
        .client()
        .chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello?' }], max_tokens: 10 }, { signal })

    test('are all there, with what is used of them now', async () => {
      const { organization } = server.admin.admin
      const month = new Date().toISOString().slice(0, 7)
      const nothing = { currency: 'usd', threshold_amount: null, remaining: null, enforcement: null } as const
      const unused = { ...nothing, spent: 0, reserved: 0, burned: 0 } as const
      const before = await limits()
      // A server that is alone holds a part of each limit before anybody asks for it.
      const held = expect.any(Number)
      expect(before).toEqual({
        object: 'project.limits',
        project_id: server.project_id,
        month,
        spend: { organization: unused, project: unused },
        rate_limits: [
          {
            id: 'rl-priced',
            model: 'priced',
            limits: [
              { name: 'max_requests_per_1_minute', limit: 5, used: 0, held, remaining: 5 },
              { name: 'max_tokens_per_1_minute', limit: 100_000, used: 0, held, remaining: 100_000 },
            ],
          },
          { id: 'rl-silent', model: 'silent', limits: [] },
          {
            id: 'rl-spoken-*',
            model: 'spoken-*',
            limits: [{ name: 'max_audio_megabytes_per_1_minute', limit: 2, used: 0, held, remaining: 2 }],
          },
          { id: 'rl-free', model: 'free', limits: [] },
        ],
        model_permissions: null,
      })

      const threshold = { threshold_amount: 1000, currency: 'USD', interval: 'month' } as const
      await organization.projects.spendLimit.update(server.project_id, threshold)
      const allowed = { mode: 'deny_list' as const, model_ids: ['free'] }
      await organization.projects.modelPermissions.update(server.project_id, allowed)
      await organization.projects.rateLimits.updateRateLimit('rl-priced', {
        project_id: server.project_id,
        max_requests_per_1_minute: 4,
      })
      for (let n = 0; n < 3; n++) await ask('priced')
      const audio = new File([new Uint8Array(500_000)], 'a.wav')
      await server.client().audio.transcriptions.create({ model: 'spoken-1', file: audio })
      const running = new AbortController()
      const silent = ask('silent', running.signal).catch((error: unknown) => error)
      await until(() => upstream.sent.some(({ body }) => body.includes('"silent"')))
      // What servers use reaches the database within a second.
      let now = await limits()
      const isTold = ({ rate_limits, spend }: typeof now) =>
        rate_limits[0]!.limits[0]!.used === 3 && rate_limits[2]!.limits[0]!.used > 0 && spend.project.spent > 0.014
      while (!isTold(now)) {
        await Bun.sleep(50)
        now = await limits()
      }
      const [requests, tokens] = now.rate_limits[0]!.limits
      expect(requests).toMatchObject({ name: 'max_requests_per_1_minute', limit: 4, used: 3 })
      expect(tokens).toMatchObject({ name: 'max_tokens_per_1_minute', limit: 100_000, used: 9 })
      // A server that is alone keeps a part of what is left.
      expect(requests).toMatchObject({ held: expect.any(Number), remaining: 1 })
      expect(tokens).toMatchObject({ held: expect.any(Number), remaining: 99_991 })
      const [megabytes] = now.rate_limits[2]!.limits
      expect(megabytes!.used).toBeWithin(0.5, 0.501)
      expect(megabytes!.remaining).toBeCloseTo(2 - megabytes!.used, 9)
      expect(now.model_permissions).toEqual(allowed)
      const { organization: all, project } = now.spend
      expect(all).toMatchObject({ threshold_amount: null, spent: 0.015, remaining: null, enforcement: null })
      expect(project).toMatchObject({
        threshold_amount: 1000,
        spent: 0.015,
        burned: 0,
        enforcement: { status: 'inactive' },
      })
      // Ten tokens of an answer that has not come, and no more than a hundredth of the rest to hand
      // out.
      expect(project.reserved).toBeWithin(0.02, 0.13)
      expect(project.remaining).toBeCloseTo(10 - 0.015 - project.reserved, 9)

      const env = { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_ADMIN_KEY: ADMIN_KEY }
      const shown = await run(['limits', server.project_id, '--output', 'table'], { env })
      const lines = shown.out.replace(/ +$/gm, '').split('\n')
      expect({ err: shown.err, lines: lines.map((line) => line.replace(/  +/g, ' | ')) }).toEqual({
        err: '',
        lines: [
          `Spend in ${month} (UTC), in dollars`,
          'OF | LIMIT | SPENT | RESERVED | BURNED | LEFT | STATUS',
          expect.stringMatching(/^organization \| none \| 0\.015 \| 0\.\d+ \| 0\.00 \| - \| -$/),
          expect.stringMatching(/^project \| 10\.00 \| 0\.015 \| 0\.\d+ \| 0\.00 \| 9\.\d+ \| inactive$/),
          '',
          'Rate limits',
          'MODEL | COUNTS | LIMIT | USED | HELD | LEFT',
          expect.stringMatching(/^priced \| requests a minute \| 4 \| 3 \| [01] \| [01]$/),
          expect.stringMatching(/^priced \| tokens a minute \| 100000 \| 9 \| \d+ \| \d+$/),
          expect.stringMatching(/^spoken-\* \| audio megabytes a minute \| 2 \| 0\.500\d+ \| [\d.]+ \| [\d.]+$/),
          '2 other models have none.',
          '',
          'Models: all but free.',
          '',
        ],
      })
      const csv = await run(['limits', server.project_id, '--output', 'csv'], { env })
      expect(csv.out.split('\r\n').slice(0, 4)).toEqual([
        'of,model,counts,limit,used,held,burned,left,status',
        expect.stringMatching(/^organization,,dollars a month,,0\.015,0\.\d+,0,,$/),
        expect.stringMatching(/^project,,dollars a month,10,0\.015,0\.\d+,0,9\.\d+,inactive$/),
        expect.stringMatching(/^project,priced,requests a minute,4,3,[01],,[01],$/),
      ])
      running.abort()
      await silent
    })
  })
