/**
 * `keyhall config prices`: what it prints is a section of the file that `keyhall config check`
 * takes.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { ModelInFile } from '../../gateway/model-config.ts'
import { startUpstream, type FakeUpstream } from '../gateway/upstream.ts'
import { folder, run, sentence } from './command.ts'
import { inProcess } from './terminal.ts'

setDefaultTimeout(60_000)

const home = folder()
const path = `${home.path}/keyhall.yaml`
const listPath = `${home.path}/prices.json`
const now = () => Date.UTC(2026, 10, 26, 12)
let upstream: FakeUpstream
beforeAll(() => {
  upstream = startUpstream()
})
afterAll(async () => {
  await upstream.stop()
  home.remove()
})

const upstreams = () => `upstreams:\n  - { name: one, base_url: "${upstream.url}" }\n`

/** Prints the section, and reads it as the file would be read. */
async function prices(models: string[], { file = upstreams(), from }: { file?: string; from?: object } = {}) {
  upstream.models.splice(0, Infinity, ...models)
  writeFileSync(path, file)
  if (from) writeFileSync(listPath, JSON.stringify(from))
  const { code, out, err } = await inProcess(['config', 'prices', path, ...(from ? ['--from', listPath] : [])], { now })
  writeFileSync(path, file + out)
  const checked = await inProcess(['config', 'check', path], { now })
  expect({ code, checked: checked.code, err: checked.err.replace(/^.*warning: .*\n/gm, '') }).toEqual({
    code: 0,
    checked: 0,
    err: '',
  })
  const written = parse(file + out) as { models: ModelInFile[] }
  return { out, err, models: written.models }
}

test('takes prices from the package, and names in comments what it does not know', async () => {
  upstream.models.splice(0, Infinity, 'gpt-5', 'qwen3-8b', 'whisper-1', 'claude-sonnet-4-5')
  writeFileSync(path, upstreams())
  const { code, out, err } = await run(['config', 'prices', path])
  const today = new Date().toISOString().slice(0, 10)
  expect({ code, err }).toEqual({ code: 0, err: '3 of 4 models have a price.\n' })
  expect(out)
    .toBe(`# Prices in dollars, written by "keyhall config prices" on ${today} from @pydantic/genai-prices 0.1.8.
# Compare them with what your providers charge.
models:
  # anthropic, claude-sonnet-4-5
  # without cache_write_1h_mtok
  - match: "claude-sonnet-4-5"
    prices: [{ input: 3, cached_input: 0.3, cache_write: 3.75, output: 15, above: [{ tokens: 200000, input: 6, cached_input: 0.6, cache_write: 7.5, output: 22.5 }] }]
    context_tokens: 200000
  # openai, gpt-5
  - match: "gpt-5"
    prices: [{ input: 1.25, cached_input: 0.125, output: 10 }]
    context_tokens: 400000
  # openai, whisper-1
  - match: "whisper-1"
    prices: [{ minute: 0.006 }]
# The list does not say how long an answer of these can be. Add max_output_tokens: under a spend
# limit, requests that name no maximum are refused without it.
#   claude-sonnet-4-5, gpt-5
# The list does not say how long audio for these can be. Add max_audio_seconds: under a spend
# limit, requests are refused without it.
#   whisper-1
# The list has no price for these; they cost nothing until you add one.
#   qwen3-8b
`)
  writeFileSync(path, upstreams() + out)
  const checked = await run(['config', 'check', path])
  expect([checked.code, checked.out]).toEqual([0, `${path} is right: 1 upstream, 3 models and patterns.\n`])
})

test('writes a price that is announced with the day from which on it holds', async () => {
  const before = await inProcess(['config', 'prices', path], { now: () => Date.UTC(2026, 6, 1) })
  expect(before.out).not.toContain('valid_from')
  upstream.models.splice(0, Infinity, 'gpt-5.6-luna')
  writeFileSync(path, upstreams())
  const { out } = await inProcess(['config', 'prices', path], { now: () => Date.UTC(2026, 6, 1) })
  const [model] = (parse(out) as { models: ModelInFile[] }).models
  expect(model!.prices).toMatchObject([
    { input: 1, output: 6 },
    { valid_from: '2026-07-30', input: 0.2, output: 1.2 },
  ])
  const after = await prices(['gpt-5.6-luna'])
  expect(after.models[0]!.prices).toMatchObject([{ input: 0.2, output: 1.2 }])
  expect(after.out).not.toContain('valid_from')
})

test('takes prices and sizes from a list of LiteLLM, in dollars for a million', async () => {
  const from = {
    sample_spec: { max_output_tokens: 'max output tokens, if the provider specifies it', input_cost_per_token: 0 },
    plain: {
      litellm_provider: 'lab',
      mode: 'chat',
      input_cost_per_token: 1.25e-7,
      output_cost_per_token: 3.3e-6,
      cache_read_input_token_cost: 1e-8,
      cache_creation_input_token_cost: 1.5e-7,
      max_input_tokens: 128_000,
      max_output_tokens: 8192,
      input_cost_per_token_batches: 6.25e-8,
      output_cost_per_token_batches: 1.65e-6,
      input_cost_per_token_priority: 2.25e-7,
      output_cost_per_token_priority: 5.94e-6,
      cache_read_input_token_cost_priority: 1e-8,
      input_cost_per_audio_token: 1e-5,
      input_cost_per_token_above_200k_tokens: 2.5e-7,
      output_cost_per_token_above_200k_tokens: 5e-6,
    },
    ranged: {
      mode: 'chat',
      max_output_tokens: 'unknown',
      tiered_pricing: [
        { range: [0, 32_000], input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 },
        { range: [32_000, 128_000], input_cost_per_token: 3e-6, output_cost_per_token: 4e-6 },
      ],
    },
    heard: { mode: 'audio_transcription', input_cost_per_second: 0.0001, output_cost_per_second: 0.0001 },
    transcribed: { mode: 'audio_transcription', input_cost_per_second: 0.0001, input_cost_per_token: 2.5e-6 },
    spoken: { mode: 'audio_speech', input_cost_per_character: 1.5e-5 },
    drawn: { mode: 'image_generation', input_cost_per_token: 5e-6, output_cost_per_image_token: 4e-5 },
    painted: { mode: 'image_generation', output_cost_per_image: 0.04 },
    live: { mode: 'realtime', input_cost_per_token: 1e-6 },
    searched: { mode: 'search', input_cost_per_query: 0.005 },
    far: { mode: 'chat', litellm_provider: 'other', input_cost_per_token: 9e-6, max_output_tokens: 10 },
    toString: null,
  }
  const names = [
    'plain',
    'ranged',
    'heard',
    'transcribed',
    'spoken',
    'drawn',
    'painted',
    'live',
    'searched',
    'lab/far',
    'constructor',
  ]
  const { out, err, models } = await prices(names, { from })
  expect(models).toEqual([
    { match: 'drawn', prices: [{ input: 5, output: 40 }] },
    { match: 'heard', prices: [{ minute: 0.006 }] },
    { match: 'lab/far', prices: [{ input: 9 }], max_output_tokens: 10 },
    { match: 'painted', prices: [{ image: 0.04 }] },
    {
      match: 'plain',
      prices: [
        {
          input: 0.125,
          cached_input: 0.01,
          cache_write: 0.15,
          output: 3.3,
          batch: 0.5,
          priority: 1.8,
          above: [{ tokens: 200_000, input: 0.25, output: 5 }],
        },
      ],
      context_tokens: 128_000,
      max_output_tokens: 8192,
    },
    { match: 'ranged', prices: [{ input: 1, output: 2, above: [{ tokens: 32_000, input: 3, output: 4 }] }] },
    { match: 'spoken', prices: [{ million_characters: 15 }] },
    { match: 'transcribed', prices: [{ input: 2.5 }] },
  ])
  expect(out).toContain(
    '  # lab, plain\n  # without input_cost_per_audio_token\n  # without cached_input of priority, which is 1 of the price\n',
  )
  expect(out).toContain('#   constructor, live, searched\n')
  expect(err).toBe('8 of 11 models have a price.\n')
})

test('a name that an upstream makes up becomes neither a pattern nor a line of the file', async () => {
  const one = { mode: 'chat', input_cost_per_token: 1e-6 }
  const names = ['all*', '${HOME}', 'two\nupstreams: []', 'say "hi": #x', ' ']
  const { out, models } = await prices(names, { from: Object.fromEntries(names.map((name) => [name, one])) })
  expect(models.map(({ match }) => match)).toEqual([' ', 'say "hi": #x', 'two\nupstreams: []'])
  expect(out.split('\n').filter((line) => !/^(models:| |#|$)/.test(line))).toEqual([])
})

test('leaves out what the file prices already, and then goes below its models', async () => {
  const file = `${upstreams()}models:
  - match: gpt-4o*
    prices: [{ input: 1 }]
  - match: gpt-5
    limits: { requests_per_minute: 10 }
`
  const { out, models } = await prices(['gpt-4o-mini', 'whisper-1'], { file })
  expect(out).toContain('below "models:", which the file has already')
  expect(out).toContain('# The file has a price for these already.\n#   gpt-4o-mini\n')
  expect(models.map(({ match }) => match)).toEqual(['gpt-4o*', 'gpt-5', 'whisper-1'])
})

test('asks no upstream whose models the file names, and says which one did not answer', async () => {
  const file = `upstreams:
  - { name: named, base_url: "http://127.0.0.1:1/v1", models: ["gpt-4o"] }
  - { name: silent, base_url: "http://127.0.0.1:1/v1" }
`
  const { err, models } = await prices([], { file })
  expect(models.map(({ match }) => match)).toEqual(['gpt-4o'])
  expect(err).toBe(
    'The upstream "silent" did not answer which models it has; only those that the file names are looked up.\n1 of 1 models have a price.\n',
  )
})

test('refuses in a sentence what it cannot read', async () => {
  writeFileSync(path, 'upstreams: [{ name: silent, base_url: "http://127.0.0.1:1/v1" }]')
  const refused = async (...args: string[]) => {
    const ended = await inProcess(['config', 'prices', ...args])
    return [ended.code, ended.err.split('\n').at(-2)]
  }
  expect(await refused(path)).toEqual([
    1,
    'keyhall: No upstream says which models it has, so there is nothing to price.',
  ])
  writeFileSync(listPath, '[]')
  expect(await refused(path, '--from', listPath)).toEqual([
    2,
    `keyhall: The file ${listPath} is no price list of LiteLLM: it is no JSON object.`,
  ])
  const missing = await inProcess(['config', 'prices', path, '--from', `${home.path}/none.json`])
  expect(sentence(missing)).toContain('none.json cannot be read')
  expect(await refused()).toEqual([2, 'keyhall: One file is needed: "keyhall config prices keyhall.yaml".'])
  expect(await refused(path, path)).toEqual([2, 'keyhall: One file is enough: "keyhall config prices keyhall.yaml".'])
})
