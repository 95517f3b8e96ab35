/** What `keyhall config check` says of the prices, sizes and limits of models. */
import { afterAll, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { writeFileSync } from 'node:fs'
import { overlap } from '../../gateway/patterns.ts'
import { folder, run, serve } from '../cli/command.ts'
import { runs } from '../runs.ts'

const home = folder()
afterAll(home.remove)

const path = `${home.path}/keyhall.yaml`
const upstreams = 'upstreams: [{ name: one, base_url: "http://127.0.0.1:8000/v1" }]\n'

async function check(models: string) {
  writeFileSync(path, upstreams + models)
  const { code, out, err } = await run(['config', 'check', path])
  const problems = err.split('\n').slice(0, -1)
  return { code, out, problems: problems.map((line) => line.replace(`${path}:`, '')) }
}

test('everything that is wrong with models is said at once, by line and column', async () => {
  const { code, problems } = await check(`models:
  - match: ""
    price: 1
  - prices: [{ input: -1, outptu: 3 }]
    context_tokens: many
  - match: large
    prices:
      - { valid_from: 2026-02-30, input: 2.5 }
      - { valid_from: "soon", input: 1000001 }
      - { input: 1, flex: 0.0005, priority: -1 }
      - { input: 2, batch: 101 }
    max_output_tokens: 0
    estimate_output_tokens: 1.5
    limits: { request_per_minute: 5, tokens_per_minute: 2147483648, images_per_minute: -1 }
  - match: 4
    limits: none
`)
  expect(code).toBe(2)
  expect(problems).toEqual([
    '3:12: models[0].match must not be empty.',
    '4:5: There is no "price" here; did you mean "prices"?',
    '5:5: models[1] must have "match".',
    '5:23: models[1].prices[0].input must be a number from 0 to 1000000.',
    '5:27: There is no "outptu" here; did you mean "output"?',
    '6:21: models[1].context_tokens must be a whole number from 1 to 100000000.',
    '10:38: models[2].prices[1].input must be a number from 0 to 1000000.',
    '11:45: models[2].prices[2].priority must be a number from 0 to 100.',
    '12:28: models[2].prices[3].batch must be a number from 0 to 100.',
    '13:24: models[2].max_output_tokens must be a whole number from 1 to 100000000.',
    '14:29: models[2].estimate_output_tokens must be a whole number from 1 to 100000000.',
    '15:15: There is no "request_per_minute" here; did you mean "requests_per_minute"?',
    '15:57: models[2].limits.tokens_per_minute must be a whole number from 0 to 2147483647.',
    '15:88: models[2].limits.images_per_minute must be a whole number from 0 to 2147483647.',
    '16:12: models[3].match must be text; put it in quotes.',
    '17:13: models[3].limits must have members: requests_per_minute, tokens_per_minute, requests_per_day, images_per_minute, audio_megabytes_per_minute, batch_tokens_per_day.',
  ])
})

const wrongBegin =
  'valid_from must be a day of the calendar such as "2026-11-01", or a moment in UTC such as "2026-11-01T12:00:00Z", in quotes.'

test('what no single member shows is said too: two of one name, two prices of one day', async () => {
  const { code, problems } = await check(`models:
  - match: a
    max_output_tokens: 10
    prices:
      - { valid_from: 2026-02-30, input: 2 }
      - { input: 1 }
      - { input: 2, flex: 0.0005 }
      - { valid_from: "2099-01-01", output: 1 }
      - { valid_from: "2099-01-01T00:00:00Z", above: [{ tokens: 5, input: 1 }, { tokens: 5, input: 2 }] }
      - { valid_from: "2026-11-01T12:00", input: 2 }
      - { valid_from: "2026-11-01T24:00:00Z", input: 2 }
      - { valid_from: "2026-11-01T12:00:00+01:00", input: 2 }
      - { valid_from: "2026-11-01T12:00:00Z", input: 2 }
  - match: a
`)
  expect(code).toBe(2)
  expect(problems).toEqual([
    `6:23: ${wrongBegin}`,
    '8:9: Two prices of "a" have no valid_from; only one can hold.',
    '8:27: flex has at most three digits after the point.',
    '10:9: Two prices of "a" are valid from 2099-01-01T00:00:00Z; only one can hold.',
    '10:90: Two prices above 5 tokens; only one can hold.',
    ...[11, 12, 13].map((line) => `${line}:23: ${wrongBegin}`),
    '15:12: There are two models with the match "a".',
  ])
})

test('patterns that overlap are warned about, unless the narrower one comes first', async () => {
  const { code, out, problems } = await check(`models:
  - match: gpt-4*
  - match: gpt-*
  - match: gpt-5*
  - match: "*-mini"
  - match: gpt-5-mini
  - match: llama-*
`)
  expect({ code, out }).toEqual({ code: 0, out: `${path} is right: 1 upstream, 6 models and patterns.\n` })
  expect(problems).toEqual([
    '5:12: warning: "gpt-5*" is never used, because "gpt-*" above it matches the same models; put it above that.',
    '6:12: warning: "*-mini" overlaps "gpt-4*" above it: a model that both match is under "gpt-4*".',
    '8:12: warning: "llama-*" overlaps "*-mini" above it: a model that both match is under "*-mini".',
  ])
})

test('a price without the most tokens of an answer is warned about, and past days are noted', async () => {
  const models = `models:
  - match: a
    prices:
      - { input: 1, output: 2 }
      - { valid_from: "2026-01-01", input: 2 }
      - { valid_from: "2026-02-01T12:00:00Z", input: 3 }
      - { valid_from: "2999-01-01", input: 4 }
  - match: b
    max_output_tokens: 100
    prices: [{ valid_from: "2999-02-01", input: 2, output: 3 }]
`
  const { code, problems } = await check(models)
  expect(code).toBe(0)
  const warning =
    '5:9: warning: "a" has a price for its answers and no max_output_tokens: under a spend limit, requests that name no maximum are refused.'
  const unused = 'note: This price of "a" is not used any more: another holds since 2026-02-01T12:00:00Z.'
  expect(problems).toEqual([
    warning,
    `5:9: ${unused}`,
    `6:9: ${unused}`,
    '7:23: note: 2026-02-01T12:00:00Z is past: what was used before the server read this price keeps the cost that it was counted with.',
    '11:28: note: Until 2999-02-01, "b" has no price and costs nothing.',
  ])
  // A start of the server says the warning alone.
  const server = await serve(`sqlite:${home.path}/start.db`, ['--config', path], { cwd: home.path })
  const said = server.printed()
  server.signal('SIGTERM')
  await server.ended
  expect(said).toContain('no max_output_tokens')
  expect(said).not.toContain('not used any more')
})

test('two patterns overlap when some text is matched by both', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 4 })
  const texts = Array.from({ length: 9 }, (_, length) => length).flatMap((length) =>
    Array.from({ length: 2 ** length }, (_, n) =>
      Array.from({ length }, (_, at) => ((n >> at) & 1 ? 'a' : 'b')).join(''),
    ),
  )
  const matched = (pattern: string) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
  fc.assert(
    fc.property(pattern, pattern, (one, other) => {
      // Where two patterns of four characters have a text in common, they have one of eight.
      const both = texts.some((text) => matched(one).test(text) && matched(other).test(text))
      expect(overlap(one, other)).toBe(both)
    }),
    { ...runs(200), examples: [['a*', '*b'] as const, ['a*b', 'a'] as const, ['', '*'] as const] },
  )
})
