/**
 * Databases that released versions wrote: today's server opens them, and shows and opens what
 * theirs did.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { openDatabase } from '../../database/open.ts'
import { folder, run, serve } from '../cli/command.ts'
import { engines, START_MILLISECONDS, type EngineName } from '../setup.ts'
import { programFile } from '../program.ts'
import { pepperHex } from './derived.ts'
import { configOf, fixtures, plainItems, secretOf, type Fixture } from './fixture.ts'
import { startModelServer } from './model-server.ts'
import { oldDatabase } from './old-database.ts'

// Each test starts several processes.
setDefaultTimeout(120_000)

for (const fixture of fixtures)
  for (const engine of engines)
    describe(`the database of ${fixture.version} (${engine})`, () => {
      let old: Awaited<ReturnType<typeof upgrade>>
      beforeAll(async () => {
        old = await upgrade(engine, fixture)
      }, START_MILLISECONDS)
      afterAll(() => old.remove())

      test('has the same lists in the same order, after the upgrade', () => {
        expect(Object.keys(old.lists)).toEqual(Object.keys(fixture.lists))
        for (const [path, items] of Object.entries(fixture.lists)) {
          expect({ path, length: old.lists[path]!.length }).toEqual({ path, length: items.length })
          expect({ path, items: old.lists[path] }).toMatchObject({ path, items })
        }
      })

      test('has keys that open, or do not, as they did', () => {
        expect(old.statuses).toEqual(fixture.secrets.map(({ kind, n, status }) => ({ kind, n, status })))
        for (const kind of ['project', 'service_account', 'admin'])
          for (const opens of [true, false])
            expect(old.statuses.some((one) => one.kind === kind && (one.status === 200) === opens)).toBe(true)
      })

      test('takes new keys, and people whose invite was waiting', () => {
        expect(old.added).toEqual({ opens: 200, accepted: [400, 400, 400, 400, 200, 400] })
      })

      test('has a whole audit log, and a second start changes nothing in it', async () => {
        const before = await old.rows()
        await old.startAgain()
        expect(await old.rows()).toEqual(before)
        const { code, out, err } = await run(['audit', 'verify', '--database', old.address], old.host)
        expect({ code, err }).toEqual({ code: 0, err: '' })
        expect(out).toStartWith('The audit log is whole: ')
      })
    })

/**
 * Starts today's server on it, at the hour at which the old one stopped, and asks it everything.
 */
async function upgrade(engine: EngineName, fixture: Fixture) {
  const home = folder()
  const models = startModelServer()
  const { address, drop } = await oldDatabase(engine, fixture)
  writeFileSync(join(home.path, 'keyhall.yaml'), configOf(models.url))
  const host = { cwd: home.path, env: { KEYHALL_PEPPER: pepperHex } }
  const program = [process.execPath, '--preload', join(import.meta.dir, '../shifted-clock.ts'), programFile]
  const SHIFT_SECONDS = `${fixture.ended_at + 60 - Math.floor(Date.now() / 1000)}`
  const start = () =>
    serve(address, ['--config', 'keyhall.yaml'], { ...host, program, env: { ...host.env, SHIFT_SECONDS } })
  const server = await start()
  const asked = await askEverything(server.url, fixture).finally(() => server.signal('SIGTERM'))
  expect((await server.ended).code).toBe(0)
  return {
    ...asked,
    address,
    host,
    async startAgain() {
      const again = await start()
      again.signal('SIGTERM')
      expect((await again.ended).code).toBe(0)
    },
    rows: () => rowsOf(address),
    async remove() {
      await models.stop()
      await drop()
      home.remove()
    },
  }
}

async function askEverything(url: string, { lists, secrets }: Fixture) {
  const admin = secretOf({ kind: 'admin', n: 0 })
  const call = (path: string, key = admin, body?: object) =>
    fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${key}` },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    })
  const json = async (answer: Promise<Response>) => (await answer).json()
  const listed: Fixture['lists'] = {}
  for (const path of Object.keys(lists)) listed[path] = plainItems((await json(call(`/v1${path}`))) as object)
  const statuses = []
  for (const { kind, n } of secrets) {
    const path = kind === 'admin' ? '/v1/organization/users' : '/verify'
    statuses.push({ kind, n, status: (await call(path, secretOf({ kind, n }))).status })
  }
  const accepted = []
  for (const made of secrets.filter(({ kind }) => kind === 'invite')) {
    const body = { token: secretOf(made), name: 'Late' }
    accepted.push((await call('/v1/organization/invites/accept', admin, body)).status)
  }
  const project = Object.keys(lists).find((path) => path.endsWith('/service_accounts?limit=100'))!
  const made = (await json(call(`/v1${project.split('?')[0]}`, admin, { name: 'new' }))) as {
    api_key: { value: string }
  }
  const opens = (await call('/verify', made.api_key.value)).status
  return { lists: listed, statuses, added: { opens, accepted } }
}

/** Every row, but of the tables that are about running processes. */
async function rowsOf(address: string) {
  const about = ['nodes', 'commits', 'ledger_servers', 'sqlite_sequence', 'counters', 'swept_servers', 'rate_windows']
  const database = await openDatabase(address, { asItIs: true })
  const { rows: tables } = await sql<{
    name: string
  }>`${sql.raw((database as unknown as { dialect: { tables: string } }).dialect.tables)}`.execute(database.read)
  const rows: Record<string, unknown[]> = {}
  for (const { name } of tables.filter((table) => !about.includes(table.name)))
    rows[name] = (await sql.raw(`select * from ${name} order by 1, 2`).execute(database.read)).rows
  await database.close()
  return rows
}
