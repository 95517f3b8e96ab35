/** Tokens that must open nothing, each with what the endpoint says of it. */
import { beforeAll, expect, test } from 'bun:test'
import { SignJWT } from 'jose'
import { engines, onBothEngines, startServer } from '../setup.ts'
import { watchReads } from '../storage/watched-reads.ts'
import { exchange, exchangeBody, newSigner, sign, trust, uploaded, type Signer, type Trust } from './issuer.ts'

const ISSUER = 'https://issuer.example.com'
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

let signer: Signer
let rsa: Signer
let stranger: Signer
beforeAll(async () => {
  signer = await newSigner('one')
  rsa = await newSigner('rsa', 'RS256')
  stranger = await newSigner('one')
})

const now = () => Math.floor(Date.now() / 1000)

/** What is wrong with a token, the token, and a part of the description. */
const hostile: [name: string, token: () => Promise<string>, says: string][] = [
  ['of another issuer', () => sign(signer, { iss: 'https://evil.example.com' }), 'The iss'],
  ['without an issuer', () => sign(signer, {}), 'The iss'],
  ['for another audience', () => sign(signer, { iss: ISSUER, aud: 'https://api.example.com' }), 'The aud'],
  ['signed with another key of the same id', () => sign(stranger, { iss: ISSUER }), 'The signature'],
  ['that names an unknown key', () => sign(signer, { iss: ISSUER }, { kid: 'two' }), 'no key with the kid'],
  ['that names no key', () => sign(signer, { iss: ISSUER }, { kid: undefined }), 'names no kid'],
  ['that is expired', () => sign(signer, { iss: ISSUER, exp: now() - 1 }), 'has expired'],
  ['that never expires', () => sign(signer, { iss: ISSUER, exp: undefined }), 'has no exp'],
  ['without a subject', () => sign(signer, { iss: ISSUER, sub: undefined }), 'has no sub'],
  ['without a time of issue', () => sign(signer, { iss: ISSUER, iat: undefined }), 'has no iat'],
  ['that is not valid yet', () => sign(signer, { iss: ISSUER, nbf: now() + 120 }), 'not valid yet'],
  ['issued in the future', () => sign(signer, { iss: ISSUER, iat: now() + 120 }), 'lies in the future'],
  [
    'without a signature',
    async () => `${encode({ alg: 'none', kid: 'one' })}.${encode({ iss: ISSUER, sub: 'job', exp: now() + 600 })}.`,
    'The alg',
  ],
  [
    'signed by HMAC with the public key',
    () =>
      new SignJWT({ iss: ISSUER, sub: 'job', aud: 'https://keys.example.com', exp: now() + 600, iat: now() })
        .setProtectedHeader({ alg: 'HS256', kid: 'rsa' })
        .sign(Buffer.from(JSON.stringify(rsa.jwk).padEnd(64))),
    'The alg',
  ],
  [
    'that brings its key along',
    () => sign(stranger, { iss: ISSUER }, { jwk: stranger.jwk, kid: 'one' }),
    'The signature',
  ],
  [
    'that says where its key is',
    () =>
      sign(stranger, { iss: ISSUER }, { jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/cert', kid: 'one' }),
    'The signature',
  ],
  [
    'with an extension that must be understood',
    () =>
      new SignJWT({ iss: ISSUER, sub: 'job' })
        .setProtectedHeader({ alg: 'ES256', kid: 'one', crit: ['limit'], limit: 1 })
        .sign(signer.privateKey, { crit: { limit: true } }),
    'no signed JWT',
  ],
  ['that is no token', async () => 'not.a.token', 'no signed JWT'],
  ['of another subject', () => sign(signer, { iss: ISSUER, sub: 'somebody' }), 'matches no federation rule'],
]

for (const engine of engines)
  test(`a bad token or a guessed provider costs no query (${engine})`, async () => {
    const reads: string[] = []
    const server = await startServer(engine, {
      wrap: (database) =>
        watchReads(database, (sql, read) => {
          if (/identity_providers|federation_rules/.test(sql)) reads.push(sql)
          return read()
        }),
    })
    try {
      const provider = { issuer: ISSUER, verification: uploaded(signer) }
      const made = await trust(server, provider, { attribute_matchers: { sub: 'job' } })
      expect((await exchange(server, made, await sign(signer, { iss: ISSUER }))).status).toBe(200)
      reads.length = 0
      expect((await exchange(server, made, await sign(stranger, { iss: ISSUER }))).status).toBe(400)
      const guessed = { ...made, provider_id: 'idp_guessed' }
      expect((await exchange(server, guessed, await sign(signer, { iss: ISSUER }))).status).toBe(400)
      expect(reads).toEqual([])
    } finally {
      await server.stop()
    }
  })

onBothEngines('the token endpoint', (server) => {
  let made: Trust
  beforeAll(async () => {
    const provider = { issuer: ISSUER, verification: uploaded(signer, rsa) }
    made = await trust(server(), provider, { attribute_matchers: { sub: 'job' } })
  })

  test('takes the token that all of these are changed from, with both keys', async () => {
    expect((await exchange(server(), made, await sign(signer, { iss: ISSUER }))).status).toBe(200)
    expect((await exchange(server(), made, await sign(rsa, { iss: ISSUER }))).status).toBe(200)
  })

  for (const [name, token, says] of hostile)
    test(`refuses a token ${name}, and does not repeat it`, async () => {
      await server().events()
      const sent = await token()
      const { status, body } = await exchange(server(), made, sent)
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' })
      expect(body.error_description).toContain(says)
      for (const part of sent.split('.').filter((part) => part.length > 8))
        expect(JSON.stringify(body)).not.toContain(part)
      expect(Object.keys(body)).toEqual(['error', 'error_description'])
      expect(await server().events()).toEqual({})
    })

  const malformed: [name: string, body: object | string, error: string][] = [
    ['another grant type', { grant_type: 'client_credentials' }, 'unsupported_grant_type'],
    ['no grant type', { grant_type: undefined }, 'invalid_request'],
    ['another token type', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
    ['no provider', { identity_provider_id: undefined }, 'invalid_request'],
    ['a provider that is no text', { identity_provider_id: {} }, 'invalid_request'],
    ['an endless token', { subject_token: 'a'.repeat(17_000) }, 'invalid_request'],
    ['an unknown provider', { identity_provider_id: 'idp_unknown' }, 'invalid_grant'],
    ['another service account', { service_account_id: 'user-unknown' }, 'invalid_grant'],
  ]
  for (const [name, others, error] of malformed)
    test(`refuses a request with ${name}`, async () => {
      const { status, body } = await exchange(server(), made, await sign(signer, { iss: ISSUER }), others as object)
      expect({ status, error: body.error }).toEqual({ status: 400, error })
    })

  test('refuses what is no JSON, a member of a form twice, another method and a huge body', async () => {
    const send = async (init: RequestInit) => {
      const response = await server().fetch(new Request('http://keyhall.test/oauth/token', { method: 'POST', ...init }))
      return { status: response.status, error: ((await response.json()) as { error: string }).error }
    }
    const form = new URLSearchParams(exchangeBody(made.provider_id, made.service_account_id, 'x'))
    form.append('subject_token', 'y')
    expect(await send({ body: '{' })).toEqual({ status: 400, error: 'invalid_request' })
    expect(await send({ body: '[]' })).toEqual({ status: 400, error: 'invalid_request' })
    expect(await send({ body: form })).toEqual({ status: 400, error: 'invalid_request' })
    expect(await send({ method: 'GET' })).toEqual({ status: 405, error: 'invalid_request' })
    expect(await send({ body: 'a'.repeat(40_000) })).toEqual({ status: 413, error: 'invalid_request' })
  })
})
