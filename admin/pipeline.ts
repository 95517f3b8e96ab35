/**
 * One administration call: authenticate, authorize, find the project, validate, run the handler,
 * write the audit log. A change does all of this in one transaction.
 */
import { adminScopes, type AdminScope } from '../contract/scopes.ts'
import type { AuditEvent, AuditPayload } from '../contract/audit-events.ts'
import { forbidden, mismatchedOrganization, unauthenticated, unavailable } from '../contract/errors.ts'
import type { Operation } from '../contract/kit.ts'
import { notPermitted } from '../contract/session-errors.ts'
import { isFault, StorageError } from '../database/storage-errors.ts'
import type { Sql } from '../database/types.ts'
import { invalidatedBy, type Invalidation, type Scope } from '../revocation/invalidation.ts'
import type { Peppers } from '../keys/digest.ts'
import { holdsKey } from '../keys/format.ts'
import { newId } from '../world/random.ts'
import { mayByScopes } from '../keys/admin-caller.ts'
import { verifyAdminKey } from '../keys/verify-admin-key.ts'
import { verifySession } from '../keys/verify-session.ts'
import { seconds } from '../world/world.ts'
import { appendEvents, lockOrganization, notBefore, type RecordedEvent } from './audit-chain.ts'
import { requireOwnPart } from './rules/require-own-part.ts'
import { requireProject } from './shared/find-project.ts'
import { bodyReader, queryReader, storableId } from './validate.ts'
import { endLostSessions } from './sessions/end-lost-sessions.ts'
import type { AdminContext, AnyOperationHandler, Around, Before, BodyAuthenticator } from './call.ts'
import type { Call, Caller, Handler } from './call.ts'

/** A request as the pipeline needs it, without HTTP. */
export interface Incoming {
  authorization: string | null
  /** The token of a session, of a request that comes from a page of this server. */
  session: string | null
  /** The value of the `OpenAI-Organization` header. */
  organization: string | null
  params: Record<string, string>
  /** The query string without its question mark. */
  search: string
  body: string
  ip_address: string | null
  user_agent: string | null
}

/** A request whose body is still to come. */
export interface Arriving extends Omit<Incoming, 'body'> {
  /**
   * Reads the body. Called at most once, with the id of the caller's key or session; null where an
   * operation needs none.
   */
  readBody: (caller_id: string | null) => Promise<string>
  /** Throws 403 unless somebody may sign in with this request. */
  requireSignIn: () => void
}

/** What a call answers. */
export interface Result {
  body: unknown
  /** Its organization is in the headers of the response. */
  caller: Caller
  /** A token for the browser to keep, or null to forget the one that it has. */
  session?: string | null
}

/**
 * What a handler asked for while it ran: events to write, cached keys to read again, and steps to
 * run after the commit.
 */
interface Effects {
  events: RecordedEvent[]
  invalidations: Invalidation[]
  steps: (() => void)[]
  session?: string | null
}

/** One operation, ready to be called. `run` names the steps in their order. */
export class Pipeline {
  readonly #context: AdminContext
  readonly #operation: Operation
  readonly #handle: Handler<any>
  readonly #authenticateFromBody: BodyAuthenticator<any> | undefined
  readonly #around: Around
  readonly #before: Before<any> | undefined
  readonly #readQuery: ReturnType<typeof queryReader>
  readonly #readBody: ReturnType<typeof bodyReader>

  constructor(context: AdminContext, operation: Operation, handler: AnyOperationHandler) {
    const { handle, authenticate, around, before } = typeof handler === 'function' ? { handle: handler } : handler
    if ((operation.can === null) !== (authenticate !== undefined))
      throw new Error(`${operation.path} must either need a key or authenticate from its body`)
    this.#context = context
    this.#operation = operation
    this.#handle = handle
    this.#authenticateFromBody = authenticate
    this.#around = around ?? ((_, run) => run())
    this.#before = before
    this.#readQuery = queryReader(operation.query)
    this.#readBody = bodyReader(operation.body, operation.bodyRules)
  }

  /** Whether a key or a session must come with the call. */
  get needsKey(): boolean {
    return this.#operation.can !== null
  }

  async run(arriving: Arriving): Promise<Result> {
    if (this.#operation.fromPage) arriving.requireSignIn()
    return this.#around({ ...arriving, context: this.#context }, () => this.#run(arriving))
  }

  async #run(arriving: Arriving): Promise<Result> {
    const { caller, incoming } = await this.#receive(arriving)
    // The time after the body has arrived, so that a key that expired meanwhile is refused.
    const now = seconds(this.#context.world)
    this.#noteUse(caller, now)
    const { signInLinks } = this.#context
    this.#before?.({ body: this.#readBody(incoming.body), ip_address: incoming.ip_address, signInLinks })
    const isRead = this.#operation.method === 'GET'
    return isRead ? this.#read(incoming, caller, now) : this.#change(incoming, caller, now)
  }

  #noteUse({ organization_id, key_id, session, user_id: owner_id }: Caller, now: number) {
    const { lastUsed } = this.#context
    if (key_id !== null) lastUsed.note('admin_api_keys', { organization_id, key_id, owner_id }, now)
    if (session !== null) lastUsed.note('sessions', { organization_id, key_id: session.id, owner_id }, now)
  }

  /**
   * The caller, and the request with its body. No byte of a body is read before the key in the
   * header was verified.
   */
  async #receive(arriving: Arriving): Promise<{ caller: Caller; incoming: Incoming }> {
    const { database, world } = this.#context
    const { can, method } = this.#operation
    const hasBody = method === 'POST'
    const incoming = { ...arriving, body: can === null && hasBody ? await arriving.readBody(null) : '' }
    const caller = await this.#authenticate(database.read, incoming, seconds(world))
    if (can !== null && hasBody) incoming.body = await arriving.readBody(caller.key_id ?? caller.session!.id)
    return { caller, incoming }
  }

  async #authenticate(sql: Sql, incoming: Incoming, now: number): Promise<Caller> {
    const { keys } = this.#context
    const { can } = this.#operation
    const { organization, search, ip_address } = incoming
    if (holdsKey(search)) throw unauthenticated()
    const caller =
      can === null
        ? await this.#authenticateFromBody!({
            db: sql,
            now,
            body: this.#readBody(incoming.body),
            keys,
            newId: this.#newId,
            ip_address,
            signIns: this.#context.signIns,
          })
        : await this.#verify(sql, incoming, now, can)
    if (organization && organization !== caller.organization_id) throw mismatchedOrganization()
    this.#authorize(caller)
    return caller
  }

  #verify(sql: Sql, incoming: Incoming, now: number, can: AdminScope): Promise<Caller> {
    const { keys } = this.#context
    const { session, params } = incoming
    if (session === null) return verifyAdminKey(sql, keys, incoming, now, can)
    const project_id = this.#operation.reach === 'project' ? params.project_id : undefined
    return verifySession(sql, keys, { ...incoming, session }, now, project_id && storableId(project_id))
  }

  #authorize({ session, may }: Caller) {
    const { can, reach } = this.#operation
    if (can === null || may(can)) return
    const isInScope = session !== null && mayByScopes(session.scopes ?? adminScopes)(can)
    // Of a report the query decides: #prepare looks at it.
    if (isInScope && (reach === 'own' || reach === 'filtered')) return
    throw session === null ? forbidden(can) : notPermitted(can)
  }

  async #read(incoming: Incoming, caller: Caller, now: number): Promise<Result> {
    const { call } = await this.#prepare(this.#context.database.read, caller, incoming, now)
    return { caller, body: await this.#handle(call) }
  }

  async #change(incoming: Incoming, { organization_id }: Caller, now: number): Promise<Result> {
    const { database, keys, revocations, keepRevocations, expectRequests } = this.#context
    const { result, effects, invalidations, epoch } = await database.write(async (sql) => {
      const [head] = await lockOrganization(sql, { organization_id })
      if (!head) throw unavailable('audit_head_missing')
      // Authenticates again, now that no other change of the organization can happen: a key that
      // was revoked meanwhile, or an invite that was used, is refused.
      const caller = await this.#authenticate(sql, incoming, now)
      const { call, effects } = await this.#prepare(sql, caller, incoming, now)
      const result = { caller, body: await this.#handle(call), session: effects.session }
      const invalidations = [...invalidatedBy(organization_id, effects.events), ...effects.invalidations]
      effects.events.push(...(await endLostSessions(sql, organization_id, invalidations, now, this.#newId)))
      await writeEvents(sql, keys.peppers, head, effects.events, caller, incoming, now)
      return { result, effects, invalidations, epoch: await revocations.publish(sql, invalidations) }
    })
    // The answer waits until no process accepts what was revoked.
    if (epoch !== null) await Promise.all([revocations.settle(epoch, invalidations), keepRevocations()])
    for (const step of effects.steps) step()
    const projects = new Set(
      effects.events.filter(({ type }) => type === 'api_key.created').map((one) => one.project_id),
    )
    for (const project_id of projects) if (project_id) await expectRequests({ organization_id, project_id })
    return result
  }

  /** Finds the project, reads the query and the body, and collects what the handler records. */
  async #prepare(
    db: Sql,
    caller: Caller,
    incoming: Incoming,
    now: number,
  ): Promise<{ call: Call<any>; effects: Effects }> {
    const { database, keys, world, mail, models, report, mayFetchFrom, signIns, signInLinks, describeServer } =
      this.#context
    const { method, path, can, reach } = this.#operation
    const { organization_id } = caller
    const params = Object.fromEntries(Object.entries(incoming.params).map(([name, id]) => [name, storableId(id)]))
    const project = path.includes('{project_id}')
      ? await requireProject({ db, organization_id }, params.project_id!)
      : undefined
    const effects: Effects = { events: [], invalidations: [], steps: [] }
    const call = {
      db,
      engine: database.engine,
      now,
      caller,
      organization_id,
      ip_address: incoming.ip_address,
      user_agent: incoming.user_agent,
      params,
      query: this.#readQuery(incoming.search),
      body: method === 'POST' ? this.#readBody(incoming.body) : {},
      project,
      keys,
      world,
      mail,
      signIns,
      signInLinks,
      models: models(),
      report,
      mayFetchFrom,
      describeServer,
      newId: this.#newId,
      record: (type: AuditEvent, payload: AuditPayload<AuditEvent>, project_id: string | null = project?.id ?? null) =>
        effects.events.push({ id: newId('audit_log-', world), type, payload, project_id }),
      invalidate: (scope: Scope) => effects.invalidations.push({ organization_id, ...scope }),
      keepSession: (token: string | null) => void (effects.session = token),
      afterCommit: (step: () => void) => effects.steps.push(step),
    }
    if (can !== null && reach === 'filtered') await requireOwnPart(call, can)
    return { call: call as Call<any>, effects }
  }

  readonly #newId = (prefix: string) => newId(prefix, this.#context.world)
}

/** Writes the recorded events to the audit log, in the transaction of the change. */
async function writeEvents(
  sql: Sql,
  peppers: Peppers,
  head: Awaited<ReturnType<typeof lockOrganization>>[number],
  events: RecordedEvent[],
  { key_id, user_id, email }: Caller,
  { ip_address, user_agent }: Incoming,
  now: number,
) {
  if (events.length === 0) return
  const actor = { key_id, user_id, email, ip_address, user_agent }
  // As at OpenAI, what an admin key does outside of any project is attributed to the Default
  // project.
  const defaultProjectId = key_id === null ? null : head.default_project_id
  const eventsWithProject = events.map((event) => ({ ...event, project_id: event.project_id ?? defaultProjectId }))
  try {
    await appendEvents(sql, peppers, head, eventsWithProject, actor, notBefore(head.newest_at, now))
  } catch (error) {
    const isKnown = error instanceof StorageError && !isFault(error, 'duplicate')
    throw isKnown ? error : unavailable('audit_unwritten', error)
  }
}
