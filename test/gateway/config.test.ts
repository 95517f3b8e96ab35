import { afterAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { folder, run, serve } from '../cli/command.ts'
import { startUpstream } from './upstream.ts'

const home = folder()
afterAll(home.remove)

const path = `${home.path}/keyhall.yaml`

async function check(yaml: string, env: Record<string, string> = {}) {
  writeFileSync(path, yaml)
  const { code, out, err } = await run(['config', 'check', path], { env })
  return {
    code,
    out,
    problems: err
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(`${path}:`, '')),
  }
}

test('a right file is said to be right, and a secret in it is warned about and not shown', async () => {
  const { code, out, problems } = await check(
    `
upstreams:
  - name: local
    base_url: http://127.0.0.1:8000/v1
    models: ["*"]
  - name: far
    base_url: https://models.example.com
    api_key: sk-literal
    timeouts: { first_byte: 5, idle: 0.5 }
    fail_over_on: [429, 5xx, 401]
    headers: [X-Team, session-key]
  - { name: also, base_url: "https://\${HOST}/v1", api_key: "\${FAR_KEY}", weight: 0, default: true }
`,
    { FAR_KEY: 'sk-far', HOST: 'other.example.com' },
  )
  expect({ code, out }).toEqual({ code: 0, out: `${path} is right: 3 upstreams.\n` })
  expect(problems).toEqual([
    '7:15: warning: upstreams[1].base_url has no path; the address of an OpenAI-compatible server usually ends in "/v1".',
    '8:14: warning: upstreams[1].api_key stands in the file; "${NAME}" takes it from the environment instead.',
  ])
  expect(problems.join('')).not.toContain('sk-literal')
})

test('everything that is wrong is said at once, by line and column', async () => {
  const { code, problems } = await check(`upstream:
  - name: x
upstreams:
  - name: one
    base_ulr: http://127.0.0.1:8000/v1
  - name: one
    base_url: ftp://127.0.0.1/v1
    weight: many
    models: all
  - name: "two words"
    base_url: http://user:secret@127.0.0.1/v1
    api_key: "\${NOT_SET}"
    weight: 1.5
    default: yes please
  - name: 4
    base_url: http://127.0.0.1/v1?key=1
    timeouts: { idle: 0, first: 1 }
    api_key: "\${"
    models: []
    fail_over_on: [4xx, 200, 429, "503"]
    headers: [X-Team, Authorization, "two words", Sec-WebSocket-Key]
`)
  expect(code).toBe(2)
  expect(problems).toEqual([
    '1:1: There is no "upstream" here; did you mean "upstreams"?',
    '4:5: upstreams[0] must have "base_url".',
    '5:5: There is no "base_ulr" here; did you mean "base_url"?',
    '7:15: upstreams[1].base_url must be an address that begins with http:// or https://.',
    '8:13: upstreams[1].weight must be a whole number from 0 to 1000.',
    '9:13: upstreams[1].models must be a list with at least one entry.',
    '10:11: upstreams[2].name must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$.',
    '11:15: upstreams[2].base_url must hold no user and password; a key belongs in api_key.',
    '12:14: The environment variable NOT_SET is not set.',
    '13:13: upstreams[2].weight must be a whole number from 0 to 1000.',
    '14:14: upstreams[2].default must be true or false.',
    '15:11: upstreams[3].name must be text; put it in quotes.',
    '16:15: upstreams[3].base_url must have no query and no fragment.',
    '17:23: upstreams[3].timeouts.idle must be a number from 0.01 to 86400.',
    '17:26: There is no "first" here; did you mean "first_byte"?',
    '18:14: "${" must be followed by the name of an environment variable and "}".',
    '19:13: upstreams[3].models must be a list with at least one entry.',
    '20:20: upstreams[3].fail_over_on[0] must be a status from 400 to 599, or 5xx.',
    '20:25: upstreams[3].fail_over_on[1] must be a status from 400 to 599, or 5xx.',
    '20:35: upstreams[3].fail_over_on[3] must be a status from 400 to 599, or 5xx.',
    '21:23: upstreams[3].headers[1] must name no header with a key or a cookie, and none that the gateway sets itself.',
    '21:38: upstreams[3].headers[2] must be the name of a header.',
    '21:51: upstreams[3].headers[3] must name no header with a key or a cookie, and none that the gateway sets itself.',
  ])
  expect(problems.join('')).not.toContain('secret')
})

const one = '  - { name: one, base_url: "http://127.0.0.1/v1", default: true }\n'
for (const [what, yaml, problem] of [
  [
    'two upstreams of one name',
    `upstreams:\n${one}${one.replace(', default: true', '')}`,
    '3:13: There are two upstreams with the name "one".',
  ],
  [
    'two defaults',
    `upstreams:\n${one}${one.replace('name: one', 'name: two')}`,
    '3:60: Only one upstream can be the default.',
  ],
  ['a member given twice', 'upstreams: []\nupstreams: []\n', '2:1: This is not correct YAML: Map keys must be unique.'],
  ['an empty file', '', '1:1: The file must have members: upstreams, models, paths, spend, sign_in, server.'],
  ['a list of nothing', 'upstreams: []\n', '1:12: upstreams must be a list with at least one entry.'],
  ['a bracket left open', 'upstreams: [\n', null],
] as const)
  test(`${what} is wrong`, async () => {
    const { code, problems } = await check(yaml)
    expect(code).toBe(2)
    if (problem) expect(problems).toEqual([problem])
    else expect(problems[0]).toMatch(/^\d+:\d+: This is not correct YAML: /)
  })

test('a webhook for spend alerts has an address and a long secret, which is not shown', async () => {
  const spend = (webhook: string) =>
    check(`upstreams:\n${one}spend: { webhook: { ${webhook} } }\n`, { S: 'whsec_c2hvcnQ=' })
  const right = await spend(`url: "https://example.com/alerts?team=1", secret: "whsec_${'A'.repeat(32)}"`)
  expect(right.code).toBe(0)
  expect(right.problems).toEqual([
    '3:71: warning: spend.webhook.secret stands in the file; "${NAME}" takes it from the environment instead.',
  ])
  const wrong = await spend('url: "https://user:word@example.com", secret: "${S}"')
  expect(wrong.code).toBe(2)
  expect(wrong.problems).toEqual([
    '3:26: spend.webhook.url must hold no user, no password and no fragment.',
    '3:67: spend.webhook.secret must be "whsec_" and 24 to 64 bytes in base64, such as `echo "whsec_$(openssl rand -base64 32)"` prints.',
  ])
  const open = await spend('url: "http://10.0.0.1/x", secert: 1')
  expect(open.problems).toEqual([
    '3:19: spend.webhook must have "secret".',
    '3:26: warning: spend.webhook.url begins with http://, so that everybody on the way can read what is posted.',
    '3:47: There is no "secert" here; did you mean "secret"?',
  ])
  expect([...wrong.problems, ...right.problems].join()).not.toMatch(/AAAA|c2hvcnQ/)
})

test('a missing file, or an upstream address beside a file, is refused in a sentence', async () => {
  const missing = await run(['config', 'check', `${home.path}/none.yaml`])
  expect(missing.code).toBe(2)
  expect(missing.err).toContain('none.yaml cannot be read')
  expect((await run(['config', 'check'])).err).toContain('One file is needed')
  writeFileSync(path, `upstreams:\n${one}`)
  const both = await run(['serve', '--upstream', 'http://127.0.0.1/v1', '--config', path])
  expect([both.code, both.err]).toEqual([
    2,
    'keyhall: KEYHALL_UPSTREAM and KEYHALL_CONFIG say the same thing twice; give one of them.\n',
  ])
})

test('SIGHUP reads the file again, and the server goes on', async () => {
  const upstream = startUpstream()
  writeFileSync(path, 'upstreams:\n  - { name: old, base_url: "http://127.0.0.1:1/v1" }\n')
  const server = await serve(`sqlite:${home.path}/hup.db`, ['--config', path], { cwd: home.path })
  writeFileSync(path, `upstreams:\n  - { name: new, base_url: "${upstream.url}" }\n`)
  server.signal('SIGHUP')
  await server.prints('The upstreams were read again.')
  writeFileSync(path, 'upstreams: nothing\n')
  server.signal('SIGHUP')
  await server.prints('The upstreams stay as they were.')
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  server.signal('SIGTERM')
  expect((await server.ended).code).toBe(0)
  await upstream.stop()
})
