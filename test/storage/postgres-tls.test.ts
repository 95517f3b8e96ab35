/**
 * PostgreSQL over TLS and over a Unix socket: what `sslmode` and `sslrootcert` promise holds for
 * the connections for statements and for the one that listens.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { SQL } from 'bun'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../database/open.ts'
import { folder, run, sentence, serve } from '../cli/command.ts'
import { until } from '../gateway/setup.ts'
import { startPostgres, type Postgres } from '../postgres.ts'
import { makeCertificates } from './certificates.ts'

// A PostgreSQL of its own is started.
setDefaultTimeout(120_000)

if (!Bun.which('openssl')) console.log('NOT TESTED: PostgreSQL over TLS, because there is no openssl')

describe.skipIf(!Bun.which('openssl'))('PostgreSQL over TLS', () => {
  const certificates = makeCertificates('DNS:localhost')
  let postgres: Postgres
  let look: SQL
  beforeAll(async () => {
    postgres = await startPostgres({ tls: certificates.tls })
    look = new SQL(postgres.url, { max: 1 })
  })
  afterAll(async () => {
    await look.close()
    await postgres.stop()
    certificates.remove()
  })

  /** `postgres://postgres@HOST:PORT/postgres` with this query. */
  const at = (host: string, query: string) => {
    const url = new URL(postgres.url)
    url.hostname = host
    return `${url.href}?${query}`
  }

  /** Which of our connections are encrypted; each statement and the listener count. */
  const encrypted = async () => {
    const rows = (await look.unsafe(
      `select a.query like 'listen%' or a.query like 'LISTEN%' as listens, s.ssl from pg_stat_activity a
       join pg_stat_ssl s using (pid) where a.backend_type = 'client backend' and a.pid <> pg_backend_pid()`,
    )) as { listens: boolean; ssl: boolean }[]
    return {
      listener: rows.filter(({ listens }) => listens).map(({ ssl }) => ssl),
      others: rows.filter(({ listens }) => !listens).map(({ ssl }) => ssl),
    }
  }

  const opened = async (address: string) => {
    try {
      const database = await openDatabase(address)
      const stop = await database.listen(() => {})
      await database.read.selectFrom('metadata').select('name').execute()
      const found = await encrypted()
      await stop()
      await database.close()
      while ((await encrypted()).others.length > 0) await Bun.sleep(10)
      expect(found.listener).toHaveLength(1)
      expect(found.others.length).toBeGreaterThan(0)
      const all = new Set([...found.listener, ...found.others])
      return all.size === 1 ? ([...all][0] ? 'encrypted' : 'plain') : 'both'
    } catch (error) {
      return (error as Error).message
    }
  }

  const unverified = /cannot be reached: unable to verify the first certificate\.$/
  const otherName = /cannot be reached: .*does not match certificate's altnames.*\.$/

  for (const [host, query, expected] of [
    ['localhost', '', /^plain$/],
    ['localhost', 'sslmode=disable', /^plain$/],
    ['localhost', 'sslmode=prefer', /^encrypted$/],
    ['localhost', 'sslmode=require', /^encrypted$/],
    ['localhost', 'sslmode=require&sslrootcert=authority', /^encrypted$/],
    ['localhost', 'sslmode=require&sslrootcert=stranger', unverified],
    ['localhost', 'sslmode=verify-ca', unverified],
    ['localhost', 'sslmode=verify-ca&sslrootcert=system', unverified],
    ['localhost', 'sslmode=verify-ca&sslrootcert=authority', /^encrypted$/],
    ['127.0.0.1', 'sslmode=verify-ca&sslrootcert=authority', /^encrypted$/],
    ['localhost', 'sslmode=verify-ca&sslrootcert=stranger', unverified],
    ['localhost', 'sslmode=verify-full', unverified],
    ['localhost', 'sslmode=verify-full&sslrootcert=authority', /^encrypted$/],
    ['127.0.0.1', 'sslmode=verify-full&sslrootcert=authority', otherName],
    ['localhost', 'sslmode=verify-full&sslrootcert=stranger', unverified],
  ] as const)
    test(`${host} with ${query || 'nothing'}`, async () => {
      const written = query.replace(
        /=(authority|stranger)/,
        (_, name: 'authority' | 'stranger') => `=${encodeURIComponent(certificates[name])}`,
      )
      expect(await opened(at(host, written))).toMatch(expected)
    })

  test('a server runs with a verified certificate, and hears what another one changes', async () => {
    const home = folder()
    const address = at('localhost', `sslmode=verify-full&sslrootcert=${encodeURIComponent(certificates.authority)}`)
    const pepper = ['--pepper-file', `${home.path}/pepper`]
    const server = await serve(address, pepper)
    const headers = { authorization: `Bearer ${server.key}` }
    expect((await fetch(`${server.url}/v1/organization/projects`, { headers })).status).toBe(200)
    const { listener, others } = await encrypted()
    expect({ listener, others: new Set(others) }).toEqual({ listener: [true], others: new Set([true]) })
    server.signal('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0, err: '' })
    home.remove()
  })

  test('prefer goes on without TLS where the server has none', async () => {
    const plain = await startPostgres({ settings: ['max_connections=50'] })
    const database = await openDatabase(`${plain.url}?sslmode=prefer`)
    expect(await database.read.selectFrom('projects').select('name').execute()).toEqual([])
    await database.close()
    const refused = await openDatabase(`${plain.url}?sslmode=require`).catch((error: Error) => error.message)
    expect(refused).toMatch(/^The PostgreSQL server at 127\.0\.0\.1:\d+\/postgres cannot be reached: /)
    await plain.stop()
  })

  test('what is wrong in the address is said in a sentence, without the password', async () => {
    const home = folder()
    const notOne = join(home.path, 'none.crt')
    writeFileSync(notOne, 'nothing')
    for (const [query, said] of [
      [
        'sslmode=yes',
        /^In the PostgreSQL address, "sslmode" is "yes"; it can be "disable", "prefer", "require", "verify-ca" or "verify-full"\.$/,
      ],
      ['sslrootcert=x', /^In the PostgreSQL address, "sslrootcert" needs "sslmode" to be require, verify-ca or/],
      ['sslmode=verify-full&sslrootcert=/nowhere.crt', /^The file \/nowhere\.crt, which "sslrootcert" of .* ENOENT/],
      [`sslmode=verify-full&sslrootcert=${notOne}`, /none\.crt, which "sslrootcert" .* cannot be read as a certif/],
    ] as const) {
      const address = `postgres://me:hidden@127.0.0.1:1/db?${query}`
      const ended = await run(['serve', '--database', address], { cwd: home.path })
      expect(sentence(ended)).toMatch(said)
      expect(ended.err).not.toContain('hidden')
    }
    home.remove()
  })
})

describe('a Unix socket', () => {
  let postgres: Postgres
  beforeAll(async () => {
    // No other way leads to it.
    postgres = await startPostgres({ settings: ['listen_addresses='] })
  })
  afterAll(() => postgres.stop())

  test('is named as libpq names it', async () => {
    const port = new URL(postgres.url).port
    const socket = postgres.socket!
    for (const address of [
      `postgres://postgres@/postgres?host=${socket}&port=${port}`,
      `postgres://postgres@localhost:${port}/postgres?host=${encodeURIComponent(socket)}`,
      `postgresql://postgres@${encodeURIComponent(socket)}:${port}/postgres?sslmode=require`,
    ]) {
      const database = await openDatabase(address)
      let heard = 0
      const stop = await database.listen(() => heard++)
      const before = heard
      await database.write((sql) => database.announce(sql))
      await until(() => heard > before)
      await stop()
      await database.close()
    }
    const missing = await openDatabase('postgres:///postgres?host=/nowhere').catch((error: Error) => error.message)
    expect(missing).toMatch(/^The PostgreSQL server at \/nowhere\/\.s\.PGSQL\.5432\/postgres cannot be reached: .*\.$/)
  })
})
