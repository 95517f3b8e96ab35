/** One administration call: authenticate, authorize, find the project, validate, run, audit, in one transaction. */
import type { AuditEvent, AuditPayload } from '../contract/audit.ts'
import {
  ApiError,
  forbidden,
  mismatchedOrganization,
  notFound,
  unauthenticated,
  unavailable,
} from '../contract/errors.ts'
import type { Body, Events, Operation, Output, Params, PathParam, Query } from '../contract/kit.ts'
import { TryAgain, type Database, type Sql } from '../database/open.ts'
import { statement } from '../database/statement.ts'
import type { ProjectRow } from '../database/tables.ts'
import { revokedBy, type Revoked } from '../keys/authority.ts'
import type { Revocations } from '../keys/revocations.ts'
import { holdsKey } from '../keys/format.ts'
import type { LastUsed } from '../keys/last-used.ts'
import { newId } from '../keys/random.ts'
import type { KeyRing } from '../keys/ring.ts'
import { verifyAdminKey, type AdminCaller } from '../keys/verify.ts'
import type { World } from '../keys/world.ts'
import { seconds } from '../keys/world.ts'
import { appendEvents, lockOrganization, notBefore, type Happened } from './audit.ts'
import type { Mail } from './mailer.ts'
import { bodyReader, queryReader, storable } from './validate.ts'

/** What administration runs on. */
export interface AdminContext {
  database: Database
  keys: KeyRing
  lastUsed: LastUsed
  revocations: Pick<Revocations, 'publish' | 'settle'>
  world: World
  /** Null where no mail server is set. */
  mail: Mail | null
}

/** On whose behalf a call runs: the owner of an admin key, or whoever proved without one who they are. */
export interface Caller extends Omit<AdminCaller, 'key_id'> {
  key_id: string | null
}

/** What a handler gets. */
export interface Call<O extends Operation = Operation> {
  db: Sql
  /** Unix seconds; one moment for the whole call. */
  now: number
  caller: Caller
  organization_id: string
  params: Params<O>
  query: Query<O>
  body: Body<O>
  /** The project that the path names; it exists and is the caller's. */
  project: 'project_id' extends PathParam<O['path']> ? ProjectRow : undefined
  keys: KeyRing
  world: World
  mail: Mail | null
  newId: (prefix: string) => string
  /** Leaves an event in the audit log, if the call succeeds. */
  record: <Event extends Events<O>>(type: Event, payload: AuditPayload<Event>, project_id?: string) => void
  /** Does something outside the database once the change is durable, such as sending mail. It must return at once and not throw. */
  after: (step: () => void) => void
}

export type Handler<O extends Operation> = (call: Call<O>) => Promise<Output<O>>

/** What the handler of an operation without a key is preceded by: it says from the body who calls, or throws. */
export type Prover<O extends Operation> = (
  claim: Pick<Call<O>, 'db' | 'now' | 'body' | 'keys' | 'newId'>,
) => Promise<Caller>

/** How an operation is carried out. Without a key it needs a prover, and with one it cannot have any. */
export type Implemented<O extends Operation> = [O['can']] extends [null]
  ? { prove: Prover<O>; handle: Handler<O> }
  : Handler<O>
export type AnyImplemented = Handler<any> | { prove: Prover<any>; handle: Handler<any> }

export type Handlers<Resource extends Record<string, Operation>> = {
  [Name in keyof Resource]: Implemented<Resource[Name]>
}

/** The handlers of one resource; one that is missing or answers something else than its contract is a type error. */
export const handlers = <Resource extends Record<string, Operation>>(_: Resource, implemented: Handlers<Resource>) =>
  implemented

/** A request as the pipeline needs it, free of HTTP. */
export interface Incoming {
  authorization: string | null
  /** The organization that the caller believes to speak to, if it says so. */
  organization: string | null
  params: Record<string, string>
  /** The query string without its question mark. */
  search: string
  body: string
  ip_address: string | null
  user_agent: string | null
}

/** Joins an operation with its handler. The answer is the body of the result and the caller, whom the response names. */
export function pipeline(context: AdminContext, operation: Operation, implemented: AnyImplemented) {
  const { database, keys, lastUsed, revocations, world, mail } = context
  const { can } = operation
  const { handle, prove } = typeof implemented === 'function' ? { handle: implemented } : implemented
  if ((can === null) !== (prove !== undefined))
    throw new Error(`${operation.path} goes either with a key or with a proof`)
  const readQuery = queryReader(operation.query)
  const readBody = bodyReader(operation.body)
  const inProject = operation.path.includes('{project_id}')
  const idMaker = (prefix: string) => newId(prefix, world)

  async function authenticate(sql: Sql, incoming: Incoming, now: number): Promise<Caller> {
    const { authorization, organization, search, body } = incoming
    if (holdsKey(search)) throw unauthenticated()
    const caller =
      can === null
        ? await prove!({ db: sql, now, body: readBody(body), keys, newId: idMaker })
        : await verifyAdminKey(sql, keys, authorization, now, can)
    if (organization && organization !== caller.organization_id) throw mismatchedOrganization()
    if (can !== null && !caller.scopes.includes(can)) throw forbidden(can)
    return caller
  }

  async function prepare(db: Sql, caller: Caller, incoming: Incoming, now: number) {
    const { search, body } = incoming
    const params = Object.fromEntries(Object.entries(incoming.params).map(([name, id]) => [name, storableId(id)]))
    const project = inProject ? await findProject(db, caller.organization_id, params.project_id!) : undefined
    const happened: Happened[] = []
    const afterwards: (() => void)[] = []
    const call = {
      db,
      now,
      caller,
      organization_id: caller.organization_id,
      params,
      query: readQuery(search),
      body: operation.method === 'POST' ? readBody(body) : {},
      project,
      keys,
      world,
      mail,
      newId: idMaker,
      record: (type: AuditEvent, payload: AuditPayload<AuditEvent>, project_id: string | null = project?.id ?? null) =>
        happened.push({ id: newId('audit_log-', world), type, payload, project_id }),
      after: (step: () => void) => afterwards.push(step),
    }
    return { call: call as Call<any>, happened, afterwards }
  }

  async function read(incoming: Incoming, caller: Caller, now: number) {
    const { call } = await prepare(database.read, caller, incoming, now)
    return handle(call)
  }

  async function change(incoming: Incoming, { organization_id }: Caller, now: number) {
    let events: Happened[] = []
    let steps: (() => void)[] = []
    let revoked: Revoked[] = []
    let epoch: number | null = null
    const result = await database.write(
      async (sql) => {
        const [head] = await lockOrganization(sql, { organization_id })
        if (!head) throw unavailable('audit_head_missing')
        // Asked again now that nothing else can change the organization: a key that was taken away, or an invite that was used
        // meanwhile, changes nothing any more.
        const caller = await authenticate(sql, incoming, now)
        const { call, happened, afterwards } = await prepare(sql, caller, incoming, now)
        events = happened
        steps = afterwards
        const answer = await handle(call)
        const { ip_address, user_agent } = incoming
        const actor = { key_id: caller.key_id, user_id: caller.user_id, email: caller.email, ip_address, user_agent }
        // As OpenAI does it: what an admin key does in no project is put down to the Default project.
        const usual = caller.key_id === null ? null : head.default_project_id
        const placed = happened.map((event) => ({ ...event, project_id: event.project_id ?? usual }))
        const at = notBefore(head.newest_at, now)
        if (placed.length > 0) await appendEvents(sql, head, placed, actor, at).catch(unwritten)
        revoked = revokedBy(organization_id, happened)
        epoch = await revocations.publish(sql, revoked)
        return answer
      },
      // A call without an event changed nothing that could be missing.
      async (sql) => events.length === 0 || (await findEvent(sql, { organization_id, id: events[0]!.id })).length > 0,
    )
    // The answer says that what was taken away opens nothing any more, in no process.
    if (epoch !== null) await revocations.settle(epoch, revoked)
    for (const step of steps) step()
    return result
  }

  return async (incoming: Incoming): Promise<{ body: unknown; caller: Caller }> => {
    const now = seconds(world)
    const caller = await authenticate(database.read, incoming, now)
    const { key_id, user_id: owner_id } = caller
    if (key_id !== null) lastUsed.note('admin_api_keys', { ...caller, key_id, owner_id }, now)
    const run = operation.method === 'GET' ? read : change
    return { caller, body: await run(incoming, caller, now) }
  }
}

/** No object has an id that storage cannot hold; with the replacement character in it, it is looked up and not found like any other. */
const storableId = (id: string) => (storable(id) ? id : id.toWellFormed().replaceAll('\0', '\uFFFD'))

async function findProject(sql: Sql, organization_id: string, id: string): Promise<ProjectRow> {
  const [project] = await selectProject(sql, { organization_id, id })
  if (!project) throw notFound('project', id)
  return project
}

const selectProject = statement((sql: Sql, $: { organization_id: string; id: string }) =>
  sql.selectFrom('projects').selectAll().where('organization_id', '=', $.organization_id).where('id', '=', $.id),
)

const findEvent = statement((sql: Sql, $: { organization_id: string; id: string }) =>
  sql.selectFrom('audit_logs').select('seq').where('organization_id', '=', $.organization_id).where('id', '=', $.id),
)

/** No audit row, no change, whatever the reason: to the caller the storage could not keep it. */
function unwritten(error: unknown): never {
  const passes = error instanceof TryAgain || (error instanceof ApiError && error.status === 503)
  throw passes ? error : unavailable('audit_unwritten', error)
}
