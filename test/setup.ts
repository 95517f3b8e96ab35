/** A fresh database and app for one test, on the engine asked for; and the official SDK calling it in process. */
import { afterAll, beforeAll, describe } from 'bun:test'
import OpenAI from 'openai'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mailer } from '../admin/mailer.ts'
import { addOrganization, firstStart } from '../admin/host.ts'
import { assemble, type Assembled } from '../cli/assemble.ts'
import type { AuditEvent } from '../contract/audit.ts'
import { openDatabase, type Database } from '../database/open.ts'
import type { RequestLine } from '../http/request-line.ts'
import { makeKey, type KeyKind } from '../keys/format.ts'
import { checkPepper } from '../keys/ring.ts'
import { Secret } from '../keys/secret.ts'
import { realWorld, type World } from '../keys/world.ts'
import { startPostgres, type Postgres } from './postgres.ts'

export const engines = ['sqlite', 'postgres'] as const
export type EngineName = (typeof engines)[number]

let postgres: Promise<Postgres> | undefined
let databases = 0

/** One PostgreSQL for the whole test run; each test gets a database of its own in it. */
export const sharedPostgres = () => (postgres ??= startPostgres())

/** The address of an empty database. */
export async function emptyDatabase(engine: EngineName): Promise<{ address: string; drop: () => Promise<void> }> {
  if (engine === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'keyhall-test-'))
    return {
      address: `sqlite:${join(folder, 'test.db')}`,
      drop: async () => rmSync(folder, { recursive: true, force: true }),
    }
  }
  const { url } = await sharedPostgres()
  const name = `keyhall_${process.pid}_${++databases}`
  const admin = new Bun.SQL(url, { max: 1 })
  await admin.unsafe(`create database ${name}`)
  const address = new URL(url)
  address.pathname = `/${name}`
  return {
    address: address.href,
    drop: async () => {
      await admin.unsafe(`drop database if exists ${name} with (force)`)
      await admin.close()
    },
  }
}

/** A test's time runs as it says: real, or moved forward. */
export interface TestWorld extends World {
  /** Seconds that the clock is ahead. */
  ahead: number
}

/** An organization, and a way to call the server as its owner. */
export interface Tenant {
  database: Database
  world: TestWorld
  organization_id: string
  owner_id: string
  /** The Default project. */
  project_id: string
  admin_key: string
  /** A plain request with the first admin key; `body` is sent as JSON unless it is text. */
  request: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Response>
}

export interface TestServer extends Tenant {
  engine: EngineName
  address: string
  context: Assembled['context']
  fetch: (request: Request) => Promise<Response>
  /** The official SDK with the first admin key, or with another. */
  client: OpenAI
  clientWith: (adminAPIKey: string) => OpenAI
  /** The status with which the gateway's `/verify` answers to the key of a project. */
  opens: (key: string) => Promise<number>
  /** The audit events since the last question, counted by type; the answer must be exactly this. */
  events: () => Promise<Partial<Record<AuditEvent, number>>>
  log: RequestLine[]
  stop: () => Promise<void>
}

export const testPepper = new Secret(new Uint8Array(32).fill(7))

/** A key that this server could have made and does not know. */
export const unknownKey = (kind: KeyKind) => makeKey(kind, realWorld.random, testPepper)

/** What somebody makes who knows everything about keys but the pepper. */
export const guess = (kind: KeyKind) => makeKey(kind, realWorld.random, new Secret(realWorld.random(32)))

interface ServerOptions {
  /** Stands between the server and its storage. */
  wrap?: (database: Database) => Database
  /** Where the server finds its database, from where it really is. */
  via?: (address: string) => Promise<string>
  /** An empty database to use instead of one on the shared engine. */
  on?: Awaited<ReturnType<typeof emptyDatabase>>
  /** Sends invitations. */
  mail?: Mailer
  /** How many keys are held in memory. */
  cachedKeys?: number
  /** Storage will fail: times of last use need not be written. */
  outages?: boolean
}

/** A server on an empty database of its own. */
export async function startServer(engine: EngineName, options: ServerOptions = {}): Promise<TestServer> {
  const { wrap = (database) => database, via = async (address) => address } = options
  const { on, mail, cachedKeys = 10_000, outages = false } = options
  const { address, drop } = on ?? (await emptyDatabase(engine))
  const database = wrap(await openDatabase(await via(address)))
  const world: TestWorld = { ...realWorld, ahead: 0, now: () => Date.now() + world.ahead * 1000 }
  await checkPepper(database, testPepper)
  const first = await firstStart(database, testPepper, world, { owner_email: 'owner@example.com', admin_key: null })
  const log: RequestLine[] = []
  const assembled = await assemble({
    database,
    pepper: testPepper,
    world,
    cachedKeys,
    leaseMilliseconds: 3000,
    upstreams: null,
    send: fetch,
    mail,
    log: (line) => log.push(line),
    addressOf: () => null,
    onError: (_, error) => {
      if (!outages) throw error
    },
  })
  const { context } = assembled
  const inProcess = async (request: Request) => assembled.fetch(request)
  const admin_key = first!.admin_key!
  const clientWith = (adminAPIKey: string) =>
    new OpenAI({
      adminAPIKey,
      apiKey: 'unused',
      baseURL: 'http://keyhall.test/v1',
      maxRetries: 0,
      fetch: async (url, init) => inProcess(new Request(url, init)),
    })
  let seen = 2
  return {
    engine,
    address,
    database,
    context,
    world,
    organization_id: first!.organization_id,
    owner_id: first!.owner_id,
    project_id: first!.project_id,
    admin_key,
    fetch: inProcess,
    client: clientWith(admin_key),
    clientWith,
    opens: async (key) => {
      const headers = { authorization: `Bearer ${key}` }
      return (await inProcess(new Request('http://keyhall.test/verify', { headers }))).status
    },
    request: requestWith(inProcess, admin_key),
    async events() {
      const rows = await database.read
        .selectFrom('audit_logs')
        .select('type')
        .where('organization_id', '=', first!.organization_id)
        .where('seq', '>', seen)
        .orderBy('seq')
        .execute()
      seen += rows.length
      const counts: Partial<Record<AuditEvent, number>> = {}
      for (const { type } of rows) counts[type as AuditEvent] = (counts[type as AuditEvent] ?? 0) + 1
      return counts
    },
    log,
    async stop() {
      await assembled.stop()
      await database.close()
      await drop()
    },
  }
}

const requestWith =
  (fetch: TestServer['fetch'], admin_key: string): Tenant['request'] =>
  (method, path, body, headers = {}) =>
    fetch(
      new Request(`http://keyhall.test/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${admin_key}`, ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )

/** A second organization in the same database; the API has no operation for it. */
export async function addTenant({ database, world, fetch }: TestServer): Promise<Tenant> {
  const made = await database.write((sql) =>
    addOrganization(sql, testPepper, world, { owner_email: 'owner@example.org', admin_key: null }),
  )
  return { database, world, ...made, admin_key: made.admin_key!, request: requestWith(fetch, made.admin_key!) }
}

/** The first of all tests on PostgreSQL waits for it to be made and started; on a busy machine that takes longer than Bun waits. */
export const START_MILLISECONDS = 60_000

/** Runs the tests once for each engine, each time with a server of its own. */
export function onBothEngines(name: string, tests: (server: () => TestServer) => void) {
  for (const engine of engines) {
    describe(`${name} (${engine})`, () => {
      let server: TestServer
      beforeAll(async () => {
        server = await startServer(engine)
      }, START_MILLISECONDS)
      afterAll(() => server.stop())
      tests(() => server)
    })
  }
}

/** Adds a person as the console or an accepted invite would; with a role in the organization, and in a project if one is named. */
export async function addPerson(
  { database, organization_id, world }: Tenant,
  person: {
    id: string
    email: string
    name?: string
    role?: 'owner' | 'reader'
    project_id?: string
    project_role?: string
  },
) {
  const created_at = Math.floor(world.now() / 1000)
  await database.write(async (sql) => {
    const { id, email, name = id, role = 'reader', project_id, project_role = 'member' } = person
    await sql.insertInto('users').values({ organization_id, id, email, name, created_at }).execute()
    const held = { organization_id, principal_id: id, created_at }
    await sql
      .insertInto('role_assignments')
      .values({ ...held, resource_id: organization_id, role })
      .execute()
    if (project_id)
      await sql
        .insertInto('role_assignments')
        .values({ ...held, resource_id: project_id, role: project_role })
        .execute()
  })
  return person.id
}
