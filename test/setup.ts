/**
 * A fresh database and app for one test, on the engine asked for; and the official SDK calling it
 * in process.
 */
import { afterAll, beforeAll, describe } from 'bun:test'
import OpenAI from 'openai'
import type { Mailer } from '../admin/mailer.ts'
import { addOrganization, firstStart } from '../admin/bootstrap.ts'
import { assemble, type Assembled } from '../server/assemble.ts'
import type { Parts } from '../server/parts.ts'
import type { AuditEvent } from '../contract/audit-events.ts'
import { openDatabase } from '../database/open.ts'
import { checkStatements } from '../database/statement.ts'
import type { Database } from '../database/types.ts'
import type { Policy } from '../gateway/policies/policy.ts'
import type { GatewayConfig } from '../gateway/upstream-config.ts'
import type { RequestLine } from '../http/request-line.ts'
import { withMac } from '../keys/key-mac.ts'
import { makeKey, type KeyKind } from '../keys/format.ts'
import { checkPeppers } from '../keys/check-peppers.ts'
import { Secret } from '../world/secret.ts'
import { realWorld, type World } from '../world/world.ts'
import { emptyDatabase, engines, migratedDatabase, type EngineName, type OwnDatabase } from './engines.ts'
import { RECIPE_MODEL, recipeModel } from './recipe-model.ts'

export { emptyDatabase, engines, RECIPE_MODEL, type EngineName }

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
  /** What `/metrics` answers. */
  metrics: () => Promise<Response>
  /** What happens by itself every now and then, done now. */
  now: Assembled['now']
  stop: () => Promise<void>
}

/** Where tests have the server's own pages. */
export const pageOrigin = 'https://keyhall.test'

/** The headers of a request from one of the server's own pages. */
export const fromPage = { 'sec-fetch-site': 'same-origin', origin: pageOrigin, 'x-keyhall-console': '1' }

export const testPepper = new Secret(new Uint8Array(32).fill(7))

// Statements are built anew when they run, and must come out the same.
checkStatements()

/** A key that this server could have made and does not know. */
export const unknownKey = (kind: KeyKind) => makeKey(kind, realWorld.random, testPepper)

/** What somebody makes who knows everything about keys but the pepper. */
export const guess = (kind: KeyKind) => makeKey(kind, realWorld.random, new Secret(realWorld.random(32)))

interface ServerOptions extends Pick<Parts, 'console' | 'oidc' | 'presentedBy' | 'limits'> {
  addressOf?: (request: Request) => string | null
  /** The origins of pages of the server. */
  originsOf?: (request: Request) => readonly string[]
  /** Stands between the server and its storage. */
  wrap?: (database: Database) => Database
  /** Where the server finds its database, from where it really is. */
  via?: (address: string) => Promise<string>
  /** An empty database to use instead of one on the shared engine. */
  on?: OwnDatabase
  /** Sends invitations. */
  mail?: Mailer
  /** How many keys are held in memory. */
  cachedKeys?: number
  /**
   * How long keys in memory are valid without the database; on a busy machine 3 s may pass
   * unnoticed.
   */
  leaseMilliseconds?: number
  /** What the revocations file knows, where there is one. */
  isRevoked?: (key_id: string, version?: number) => boolean
  /** Where model requests go. */
  upstreams?: GatewayConfig['upstreams']
  /** What the configuration says of models beside `RECIPE_MODEL`. */
  models?: NonNullable<GatewayConfig['models']>
  /** Hosts of issuers that may have private addresses. */
  issuerHosts?: readonly string[]
  /** Answers in the place of other servers. */
  send?: World['fetch']
  drainMilliseconds?: number
  warn?: (sentence: string, about: Record<string, unknown>) => void
  /** Rules about model requests beside the usual ones. */
  policies?: readonly Policy[]
  /** Storage will fail: times of last use need not be written. */
  outages?: boolean
  /** What the server is to log as an error; otherwise it fails the test. */
  onError?: (what: string, error: unknown) => void
}

/** A server on an empty database of its own. */
export async function startServer(engine: EngineName, options: ServerOptions = {}): Promise<TestServer> {
  const { wrap = (database) => database, via = async (address) => address } = options
  const { on, mail, cachedKeys = 10_000, leaseMilliseconds = 3_000, outages = false } = options
  const { upstreams = [], models = [], policies = [], limits = {}, drainMilliseconds = 0 } = options
  const { send = realWorld.fetch, warn = () => {}, addressOf = () => '192.0.2.1' } = options
  const { address, drop } = on ?? (await migratedDatabase(engine))
  const database = wrap(await openDatabase(await via(address)))
  const world: TestWorld = { ...realWorld, fetch: send, ahead: 0, now: () => Date.now() + world.ahead * 1000 }
  await checkPeppers(database, [testPepper])
  const first = await firstStart(database, testPepper, world, { owner_email: 'owner@example.com', admin_key: null })
  const log: RequestLine[] = []
  let isStopping = false
  const assembled = await assemble({
    database,
    peppers: [testPepper],
    world,
    cachedKeys,
    leaseMilliseconds,
    upstreams: { upstreams, models: [recipeModel, ...models] },
    drainMilliseconds,
    warn,
    policies,
    presentedBy: options.presentedBy,
    console: options.console,
    limits,
    oidc: options.oidc,
    issuerHosts: new Set(options.issuerHosts),
    mail,
    isRevoked: options.isRevoked,
    log: (line) => log.push(line),
    addressOf,
    originsOf: options.originsOf ?? (() => [pageOrigin]),
    onError:
      options.onError ??
      ((_, error) => {
        if (!outages && !isStopping) throw error
      }),
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
    now: assembled.now,
    metrics: async () => assembled.router.serving(['metrics'])(new Request('http://keyhall.test/metrics')),
    async stop() {
      // What still runs meanwhile may lose its connection to a database that is dropped.
      isStopping = true
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

/**
 * The first of all tests on PostgreSQL waits for it to be made and started; on a busy machine that
 * takes longer than Bun waits.
 */
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

/** Makes an admin key that of another person, which the API cannot do. */
export async function giveAdminKey({ database, organization_id }: Tenant, id: string, owner_id: string) {
  await database.write(async (sql) => {
    const keys = sql.selectFrom('admin_api_keys').selectAll().where('organization_id', '=', organization_id)
    const key = await keys.where('id', '=', id).executeTakeFirstOrThrow()
    const { mac } = withMac(testPepper, 'admin_api_keys', { ...key, owner_id })
    await sql.updateTable('admin_api_keys').set({ owner_id, mac }).where('id', '=', id).execute()
  })
}

/**
 * Adds a person as the console or an accepted invite would; with a role in the organization, and in
 * a project if one is named.
 */
export async function addPerson(
  { database, organization_id, world }: Tenant,
  person: {
    id: string
    email: string
    name?: string
    /** `member` is somebody without a role in the organization. */
    role?: 'owner' | 'reader' | 'member'
    project_id?: string
    project_role?: string
  },
) {
  const created_at = Math.floor(world.now() / 1000)
  await database.write(async (sql) => {
    const { id, email, name = id, role = 'reader', project_id, project_role = 'member' } = person
    await sql.insertInto('users').values({ organization_id, id, email, name, created_at }).execute()
    const held = { organization_id, principal_id: id, created_at }
    if (role !== 'member')
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
