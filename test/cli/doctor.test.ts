/** `keyhall doctor`: nothing to say of a good set-up, and what to do about each problem. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MadeCertificate } from '../certificates.ts'
import { startGateway } from '../gateway/setup.ts'
import { startPostgres, type Postgres } from '../postgres.ts'
import { emptyDatabase, engines } from '../setup.ts'
import { startOpenIdIssuer, type OpenIdIssuer } from '../sessions/openid-issuer.ts'
import { startSmtp, type TestSmtp } from '../smtp.ts'
import { pgbouncerProgram, startPgBouncer } from '../storage/pgbouncer.ts'
import { serverCertificate, tlsSettings } from '../tls.ts'
import { folder, run } from './command.ts'
import { authority, certificate, doctor, KEY, PASSWORD, read } from './doctored.ts'
import { startModelServer, startProvider, type Environment } from './doctored.ts'
import { inProcess } from './terminal.ts'

// Each test starts a process.
setDefaultTimeout(60_000)

const all = 'settings files database schema pepper pooler clock upstreams tls sign-in mail space'.split(' ')

let models: ReturnType<typeof startModelServer>
let smtp: TestSmtp
let postgres: Postgres
let issuer: OpenIdIssuer
beforeAll(async () => {
  issuer = await startOpenIdIssuer({ redirect_uri: 'https://keys.example.com/console/oidc/callback' })
  models = startModelServer()
  smtp = await startSmtp({ auth: { user: 'keys', password: PASSWORD } })
  postgres = await startPostgres({ settings: ['fsync=on'] })
})
afterAll(async () => {
  await models.stop(true)
  await smtp.stop()
  await postgres.stop()
  issuer.stop()
})

/** The settings of a server in this folder, all of which are right. */
function rightSettings(place: string, database: string): Environment {
  const { port } = new URL(smtp.url)
  return {
    KEYHALL_DATABASE: database,
    KEYHALL_PEPPER_FILE: join(place, 'pepper'),
    KEYHALL_REVOCATIONS_FILE: join(place, 'revocations.jsonl'),
    KEYHALL_UPSTREAM: `${models.url}v1`,
    KEYHALL_UPSTREAM_API_KEY: KEY,
    KEYHALL_SMTP_URL: `smtp://127.0.0.1:${port}`,
    KEYHALL_SMTP_FROM: 'keys@example.com',
    KEYHALL_PUBLIC_URL: 'https://keys.example.com',
    KEYHALL_OIDC_ISSUER: issuer.url,
    KEYHALL_OIDC_CLIENT_ID: 'keyhall',
    KEYHALL_ISSUER_HOSTS: issuer.host,
    ...tlsSettings(place, certificate()),
  }
}

/** Starts a server once, so that there is a database with its pepper. */
async function startOnce(env: Environment, engine: (typeof engines)[number]) {
  const { KEYHALL_TLS_CERT: _, KEYHALL_TLS_KEY: __, ...plain } = env
  return startGateway(engine, null, plain)
}

for (const engine of engines)
  describe(`a good set-up (${engine})`, () => {
    const place = folder()
    afterAll(() => place.remove())

    test('is ok in every line, while the server runs and afterwards, and nothing changes', async () => {
      const address = engine === 'sqlite' ? `sqlite:${place.path}/keyhall.db` : postgres.url
      const env = rightSettings(place.path, address)
      const server = await startOnce(env, engine)
      const running = await doctor(env)
      expect(running.lines.filter(({ status }) => status !== 'ok')).toEqual([])
      expect(running.lines.map(({ check }) => check)).toEqual(all)
      expect(running.code).toBe(0)
      await server.stop()

      const before = readdirSync(place.path)
      const { code, out } = await run(['doctor'], { env })
      const lines = out.trimEnd().split('\n')
      expect({ code, lines: lines.map((line) => line.replace(/: .*/, '')) }).toEqual({
        code: 0,
        lines: all.map((check) => `ok       ${check}`),
      })
      expect(readdirSync(place.path)).toEqual(before)
      expect(smtp.received).toEqual([])

      const ahead = await inProcess(['doctor', '--json'], { environment: env, now: () => Date.now() + 3_600_000 })
      const off = read(ahead)
      const others = [...(engine === 'sqlite' ? [] : ['the database']), 'the upstream "upstream"']
      expect(off.code).toBe(1)
      expect(off.of('clock').map(({ message }) => message.replace(/\d+ seconds/, 'N seconds'))).toEqual(
        others.map(
          (other) =>
            `The clock of this machine is N seconds ahead of that of ${other}; set both by NTP ("timedatectl set-ntp true").`,
        ),
      )
    })
  })

describe('a problem', () => {
  const place = folder()
  let env: Environment
  beforeAll(async () => {
    env = rightSettings(place.path, `sqlite:${place.path}/keyhall.db`)
    await (await startOnce(env, 'sqlite')).stop()
  })
  afterAll(() => place.remove())

  /** One that is the only line that is not ok. */
  async function onlyProblem(changed: Environment, name: string) {
    const found = await doctor({ ...env, ...changed })
    expect(found.lines.filter(({ check, status }) => status !== 'ok' && check !== name)).toEqual([])
    expect(found.code).toBe(1)
    return found.line(name)
  }

  test('is a pepper that others can read', async () => {
    chmodSync(env.KEYHALL_PEPPER_FILE!, 0o644)
    expect(await onlyProblem({}, 'files')).toBe(
      `problem: The pepper file ${place.path}/pepper can be read by other users of this machine; "chmod 600 ${place.path}/pepper" prevents that.`,
    )
    chmodSync(env.KEYHALL_PEPPER_FILE!, 0o600)
  })

  test('is a folder in which others can replace files, and a secret in a file for all', async () => {
    const open = folder()
    const file = join(open.path, 'keyhall.yaml')
    writeFileSync(file, `upstreams: [{ name: one, base_url: "${models.url}v1", api_key: ${KEY} }]`, { mode: 0o644 })
    chmodSync(open.path, 0o777)
    const { KEYHALL_UPSTREAM: _, KEYHALL_UPSTREAM_API_KEY: __, ...others } = env
    const found = await doctor({
      ...others,
      KEYHALL_CONFIG: file,
      KEYHALL_REVOCATIONS_FILE: join(open.path, 'revocations.jsonl'),
    })
    const [written, replaced] = found.of('files').map(({ message }) => message)
    expect(written).toContain('has a secret (upstreams[0].api_key); write ${NAME} there')
    // The status says that it is a warning.
    expect(found.line('settings')).toMatch(
      /^warning: \S+keyhall\.yaml:1:\d+: upstreams\[0\]\.api_key stands in the file;/,
    )
    expect(replaced).toBe(
      `Other users of this machine can replace files in ${open.path}; "chmod go-w ${open.path}" prevents that.`,
    )
    expect(found.line('upstreams')).toStartWith('ok: ')
    open.remove()
  })

  test('is a pepper that is not the one of the database', async () => {
    const { KEYHALL_PEPPER_FILE: _, ...others } = env
    const found = await doctor({ ...others, KEYHALL_PEPPER: 'ab'.repeat(32) })
    expect(found.line('pepper')).toStartWith('problem: The pepper (KEYHALL_PEPPER) is not the one that the keys')
    expect(JSON.stringify(found.lines)).not.toContain('abababab')
  })

  test('is a certificate that has expired, is for another host or another key, or whose chain has a gap', async () => {
    const tls = (identity: MadeCertificate) =>
      onlyProblem(tlsSettings(place.path, identity), 'tls').finally(() => tlsSettings(place.path, certificate()))
    const yesterday = Math.floor(Date.now() / 1000) - 86_400
    expect(await tls(certificate({ from: yesterday - 10, until: yesterday }))).toMatch(
      /^problem: The certificate in .* expired on .*; get a new one\.$/,
    )
    expect(await tls(certificate({ hosts: ['other.example.com'] }))).toBe(
      'problem: The certificate is not for keys.example.com, the host of KEYHALL_PUBLIC_URL, but for DNS:other.example.com; get one for that host.',
    )
    expect(await tls({ ...certificate(), key: certificate().key })).toContain('does not belong to')
    const right = certificate()
    const gap = { ...right, pem: right.pem.replace(authority.pem, certificate({ name: 'stranger' }).pem) }
    expect(await tls(gap)).toContain('the certificate 2 did not issue the one before it')
    const soon = certificate({ until: yesterday + 5 * 86_400 })
    const warned = await doctor({ ...env, ...tlsSettings(place.path, soon) })
    expect(warned.line('tls')).toMatch(/^warning: The certificate expires on /)
    expect(warned.code).toBe(0)
    const unknown = { ...env, ...tlsSettings(place.path, serverCertificate()), KEYHALL_PUBLIC_URL: 'https://localhost' }
    expect((await doctor(unknown)).line('tls')).toContain('"CN=Authority of the servers", which is no public authority')
    tlsSettings(place.path, certificate())
  })

  test('is an upstream that refuses the key, has another address, or does not listen', async () => {
    const at = (url: string, key = KEY) =>
      onlyProblem({ KEYHALL_UPSTREAM: url, KEYHALL_UPSTREAM_API_KEY: key }, 'upstreams')
    expect(await at(`${models.url}v1`, 'sk-upstream-wrong')).toEndWith(
      'refuses the key (401); set the one that it accepts.',
    )
    expect(await at(`${models.url}v2`)).toContain('its address must go up to and with its "/v1"')
    expect(await at('http://127.0.0.1:1/v1')).toContain('nothing listens there (ECONNREFUSED)')
  })

  test('is a mail server that does not listen, or refuses the login', async () => {
    const at = (url: string) => onlyProblem({ KEYHALL_SMTP_URL: url }, 'mail')
    expect(await at('smtp://127.0.0.1:1')).toContain('ECONNREFUSED')
    const { host } = new URL(smtp.url)
    expect(await at(`smtp://keys:geheim@${host}?requireTLS=false`)).toContain('refuses the login')
    expect(await at(`smtp://keys:${PASSWORD}@${host}`)).toContain('offers no TLS that can be used')
  })

  test('is an identity provider that does not know this server, or does not answer', async () => {
    const at = (changed: Environment) => onlyProblem(changed, 'sign-in')
    expect(await at({ KEYHALL_OIDC_CLIENT_ID: 'other' })).toBe(
      `problem: The identity provider ${issuer.url} answers 400 instead of its sign-in page; look whether it knows the client "other" and has https://keys.example.com/console/oidc/callback as its redirect address.`,
    )
    // One that has no documents: the model server.
    const { host, origin } = models.url
    expect(await at({ KEYHALL_OIDC_ISSUER: origin, KEYHALL_ISSUER_HOSTS: host })).toStartWith(
      `problem: The identity provider ${origin} cannot be used: `,
    )
    expect(await at({ KEYHALL_OIDC_ISSUER: 'http://127.0.0.1:1', KEYHALL_ISSUER_HOSTS: '127.0.0.1' })).toEndWith(
      'http://127.0.0.1:1/.well-known/openid-configuration could not be reached; look at the address of the issuer.',
    )
  })

  test('is no sign-in page that this machine cannot reach, that never comes, or that has no end', async () => {
    const endless = () => new Response(new ReadableStream({ pull: (page) => page.enqueue(Buffer.alloc(65_536, 'x')) }))
    const own = (origin: string) => `${origin}/authorize`
    for (const [page, answer] of [
      [() => 'http://127.0.0.1:1/authorize', endless],
      [own, endless],
      [own, () => new Promise<never>(() => {})],
    ] as const) {
      const provider = startProvider(page, answer)
      const { line, code } = await doctor({ ...env, ...provider.settings })
      expect(line('sign-in')).toBe(`ok: The identity provider ${provider.settings.KEYHALL_OIDC_ISSUER} answers.`)
      expect(code).toBe(0)
      await provider.stop()
    }
  })

  test('is a database that cannot be reached, or is damaged, and what needs it is left out', async () => {
    const gone = await doctor({ ...env, KEYHALL_DATABASE: 'postgres://keyhall:geheim@127.0.0.1:1/keyhall' })
    expect(gone.code).toBe(1)
    expect(gone.line('database')).toStartWith('problem: The PostgreSQL server at 127.0.0.1:1/keyhall cannot be reached')
    for (const name of ['schema', 'pepper', 'pooler'])
      expect(gone.line(name)).toBe('warning: Not looked at, because the database cannot be read.')
    writeFileSync(join(place.path, 'broken.db'), 'no database'.repeat(1000), { mode: 0o600 })
    const broken = await doctor({ ...env, KEYHALL_DATABASE: `sqlite:${place.path}/broken.db` })
    expect(broken.line('database')).toContain('file is not a database. Look at KEYHALL_DATABASE')
  })

  test('is a setting that is wrong; the checks that do not need it go on', async () => {
    const found = await doctor({ ...env, KEYHALL_SMTP_FROM: 'nobody', KEYHALL_COLOUR: 'red' })
    expect(found.of('settings').map(({ status, message }) => `${status}: ${message}`)).toEqual([
      'problem: KEYHALL_SMTP_FROM must be an e-mail address, such as "keys@example.com" or "Keyhall <keys@example.com>".',
      'warning: There is no setting KEYHALL_COLOUR, so it has no effect.',
    ])
    expect(found.line('mail')).toBe('warning: Not looked at, because KEYHALL_SMTP_FROM cannot be read; see "settings".')
    expect(found.line('upstreams')).toStartWith('ok: ')
    const unknown = await doctor({ ...env, KEYHALL_COLOUR: 'red' })
    expect(unknown.code).toBe(0)
  })
})

describe('PostgreSQL', () => {
  test('must keep what it was told, and take changes', async () => {
    const place = folder()
    const own = await emptyDatabase('postgres')
    const name = new URL(own.address).pathname.slice(1)
    const admin = new Bun.SQL(own.address, { max: 1 })
    await admin.unsafe(`alter database ${name} set synchronous_commit = off`)
    await admin.unsafe(`alter database ${name} set default_transaction_read_only = on`)
    await admin.close()
    const found = await doctor(rightSettings(place.path, own.address))
    expect(found.of('database').map(({ message }) => message.split(/ (?:of|is|are) /)[0])).toEqual([
      'fsync',
      'synchronous_commit',
      'Transactions',
    ])
    expect(found.line('schema')).toStartWith('warning: The database is empty; the first start makes the tables.')
    await own.drop()
    place.remove()
  })

  test.skipIf(!pgbouncerProgram)('may be behind a PgBouncer, but not one that allows no transactions', async () => {
    const place = folder()
    for (const [mode, said] of [
      ['transaction', 'ok: A pooler, such as PgBouncer with pool_mode = transaction, shares the connections'],
      ['statement', 'problem: The server at'],
    ] as const) {
      const bouncer = await startPgBouncer(postgres.url, { mode, connections: 10 })
      const found = await doctor(rightSettings(place.path, bouncer.address))
      expect(found.line('pooler')).toStartWith(said)
      await bouncer.stop()
    }
    place.remove()
  })
})
