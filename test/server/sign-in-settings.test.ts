/** The settings of signing in at an issuer: in the environment, in the file, and what is wrong. */
import { expect, test } from 'bun:test'
import { readGatewayFile } from '../../gateway/config-file.ts'
import { readConfig } from '../../server/read-config.ts'
import { readSignIn, signInSettings } from '../../server/sign-in-settings.ts'
import { suggestion } from '../../world/suggestion.ts'

const names = Object.keys(signInSettings) as (keyof typeof signInSettings)[]
const fromEnvironment = (environment: Record<string, string>, file: Parameters<typeof readSignIn>[1] = null) =>
  readSignIn(readConfig({}, environment, names), file)

const fromFile = (lines: string, environment: Record<string, string> = {}) =>
  readGatewayFile(`upstreams: [{name: a, base_url: "http://127.0.0.1/v1"}]\nsign_in:\n  oidc:\n${lines}`, {
    variable: (name) => (environment[name] === undefined ? null : { text: environment[name] }),
    suggest: suggestion,
    now: null,
  })

const least = { KEYHALL_OIDC_ISSUER: 'https://id.example.com', KEYHALL_OIDC_CLIENT_ID: 'keyhall' }

test('the environment and the file say the same', () => {
  const env = fromEnvironment({
    ...least,
    KEYHALL_OIDC_CLIENT_SECRET: 's3cret',
    KEYHALL_OIDC_NAME: 'Acme',
    KEYHALL_OIDC_SCOPES: 'email,groups',
    KEYHALL_OIDC_ALLOWED_DOMAINS: 'Example.com, example.org',
    KEYHALL_OIDC_TRUST_EMAIL: 'true',
    KEYHALL_OIDC_NEWCOMERS: 'reader',
    KEYHALL_OIDC_GROUPS_CLAIM: 'realm_access.roles',
    KEYHALL_OIDC_GROUPS: '/ml=ML team, ops=group_1',
  })
  const { config, problems } = fromFile(
    `    issuer: https://id.example.com
    client_id: keyhall
    client_secret: \${SECRET}
    name: Acme
    scopes: [email, groups]
    allowed_domains: [Example.com, example.org]
    trust_email: true
    newcomers: reader
    groups_claim: realm_access.roles
    groups: [{value: /ml, group: ML team}, {value: ops, group: group_1}]
`,
    { SECRET: 's3cret' },
  )
  expect(problems.filter(({ gravity }) => gravity === 'error')).toEqual([])
  const file = fromEnvironment({}, config)
  expect(JSON.stringify(env)).toBe(JSON.stringify(file))
  expect(env!.client_secret!.reveal()).toBe(file!.client_secret!.reveal())
  expect(env).toMatchObject({
    scopes: ['openid', 'email', 'groups'],
    allowed_domains: ['example.com', 'example.org'],
    groups: [
      { value: '/ml', group: 'ML team' },
      { value: 'ops', group: 'group_1' },
    ],
  })
  expect(JSON.stringify(env)).not.toContain('s3cret')
})

test('little is needed, and the rest is strict', () => {
  expect(fromEnvironment({})).toBeNull()
  expect(fromEnvironment(least)).toEqual({
    issuer: 'https://id.example.com',
    client_id: 'keyhall',
    client_secret: null,
    name: null,
    scopes: ['openid', 'email', 'profile'],
    allowed_domains: null,
    trust_email: false,
    newcomers: 'refuse',
    groups_claim: 'groups',
    groups: [],
  })
})

for (const [more, sentence] of [
  [{ KEYHALL_OIDC_CLIENT_ID: '' }, 'KEYHALL_OIDC_ISSUER needs KEYHALL_OIDC_CLIENT_ID'],
  [{ KEYHALL_OIDC_ISSUER: '' }, 'KEYHALL_OIDC_CLIENT_ID needs KEYHALL_OIDC_ISSUER.'],
  [{ KEYHALL_OIDC_ISSUER: 'id.example.com' }, 'KEYHALL_OIDC_ISSUER must be the address of an issuer'],
  [
    { KEYHALL_OIDC_ISSUER: 'https://a/.well-known/openid-configuration' },
    'KEYHALL_OIDC_ISSUER must be the issuer alone',
  ],
  [{ KEYHALL_OIDC_ISSUER: 'https://login.microsoftonline.com/common/v2.0' }, 'must name one tenant of Entra'],
  [{ KEYHALL_OIDC_NEWCOMERS: 'owner' }, 'KEYHALL_OIDC_NEWCOMERS must be one of refuse, reader, member'],
  [{ KEYHALL_OIDC_ALLOWED_DOMAINS: 'ann@example.com' }, 'KEYHALL_OIDC_ALLOWED_DOMAINS must be domains'],
  [{ KEYHALL_OIDC_GROUPS: 'ml' }, 'KEYHALL_OIDC_GROUPS must be pairs'],
] as const)
  test(`says what is wrong: ${sentence}`, () => {
    expect(() => fromEnvironment({ ...least, ...more })).toThrow(sentence)
  })

test('the file and the environment together are too much', () => {
  const { config } = fromFile('    issuer: https://id.example.com\n    client_id: keyhall\n')
  expect(() => fromEnvironment(least, config)).toThrow('say the same thing twice')
})

test('a wrong file is said by line and column, and a secret in it is warned of', () => {
  const said = fromFile(`    issuer: ftp://id.example.com
    client_secret: s3cret
    newcomers: everybody
    allowed_domains: ["@example.com"]
    grups: []
`).problems.map(({ line, gravity, message }) => `${line} ${gravity} ${message}`)
  expect(said).toEqual([
    '4 error sign_in.oidc must have "client_id".',
    '4 error sign_in.oidc.issuer must be the address of an issuer, which begins with https://.',
    '5 warning sign_in.oidc.client_secret stands in the file; "${NAME}" takes it from the environment instead.',
    '6 error sign_in.oidc.newcomers must be one of refuse, reader, member.',
    '7 error sign_in.oidc.allowed_domains[0] must be a domain of e-mail addresses, such as example.com.',
    '8 error There is no "grups" here; did you mean "groups"?',
  ])
})
