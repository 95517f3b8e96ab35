/** What a handler is and what it gets: the types between the pipeline and the resources. */
import type { AuditPayload } from '../contract/audit-events.ts'
import type { Body, Events, Operation, Output, Params, PathParam, Query } from '../contract/kit.ts'
import type { server } from '../contract/server.ts'
import type { Database, Sql } from '../database/types.ts'
import type { ProjectRow } from '../database/tables.ts'
import type { Scope } from '../revocation/invalidation.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { LastUsed } from '../keys/last-used.ts'
import type { Owner } from '../ledger/expected-windows.ts'
import type { ModelLimits } from '../ledger/model-limits.ts'
import type { MakePage } from '../ledger/reports.ts'
import type { Caller } from '../keys/admin-caller.ts'
import type { KeyRing } from '../keys/ring.ts'
import type { World } from '../world/world.ts'
import type { Mail } from './mailer.ts'
import type { SignInLinks } from './sessions/sign-in-links.ts'
import type { SignIns } from './sessions/sign-ins.ts'
import type { MayFetchFrom } from './shared/fetch-document.ts'

/** What the running server says of itself. */
export type ServerDescription = Pick<Output<typeof server.retrieve>, 'checks' | 'upstreams' | 'servers'>

/** What all administration calls share. */
export interface AdminContext {
  database: Database
  keys: KeyRing
  lastUsed: LastUsed
  revocations: Pick<Revocations, 'publish' | 'settle'>
  /** Writes revocations to the revocations file. It does not throw. */
  keepRevocations: () => Promise<void>
  /** New keys of a project may be used at once. It does not throw. */
  expectRequests: (project: Owner) => Promise<void>
  world: World
  /** Null where no mail server is set. */
  mail: Mail | null
  /** The models that have rate limits. */
  models: () => ModelLimits
  report: MakePage
  signIns: SignIns
  signInLinks: SignInLinks
  /** Hosts of issuers that may have private addresses. */
  mayFetchFrom: MayFetchFrom
  describeServer: () => Promise<ServerDescription>
}

export type { Caller } from '../keys/admin-caller.ts'

/** The argument of a handler. */
export interface Call<O extends Operation = Operation> {
  db: Sql
  /** Used for the clock of the database, whose SQL differs by engine. */
  engine: Database['engine']
  /** Unix seconds; the same for the whole call. */
  now: number
  caller: Caller
  organization_id: string
  /** Where the call comes from; null where that is not known. */
  ip_address: string | null
  user_agent: string | null
  params: Params<O>
  query: Query<O>
  body: Body<O>
  /** The project that the path names; it exists and belongs to the caller's organization. */
  project: 'project_id' extends PathParam<O['path']> ? ProjectRow : undefined
  keys: KeyRing
  world: World
  mail: Mail | null
  signIns: Pick<SignIns, 'count'>
  signInLinks: SignInLinks
  models: ModelLimits
  mayFetchFrom: MayFetchFrom
  describeServer: () => Promise<ServerDescription>
  /** Makes a page of a usage report, as finished text. */
  report: MakePage
  newId: (prefix: string) => string
  /** Writes an event to the audit log, if the call succeeds. */
  record: <Event extends Events<O>>(type: Event, payload: AuditPayload<Event>, project_id?: string) => void
  /**
   * Makes every server read these cached keys again, before the call is answered. The events of the
   * call invalidate keys by themselves (`revocation/invalidation.ts`); this is for other keys, and
   * for changes without an event.
   */
  invalidate: (scope: Scope) => void
  /** Gives the browser that made the call the token of a session, or with null takes it away. */
  keepSession: (token: string | null) => void
  /**
   * Runs a step outside the database, such as sending mail, once the change is durable. The step
   * must return at once and not throw.
   */
  afterCommit: (step: () => void) => void
}

export type Handler<O extends Operation> = (call: Call<O>) => Promise<Output<O>>

/**
 * Authenticates an operation with `can: null` from its body. It runs before the handler, and throws
 * if the body does not identify anybody.
 */
export type BodyAuthenticator<O extends Operation> = (
  call: Pick<Call<O>, 'db' | 'now' | 'body' | 'keys' | 'newId' | 'ip_address' | 'signIns'>,
) => Promise<Caller>

/**
 * Runs once, between the body and the change, and throws where the call is refused. The handler may
 * run more than once, when the engine repeats its transaction, so what is counted in memory is
 * counted here.
 */
export type Before<O extends Operation> = (call: Pick<Call<O>, 'body' | 'ip_address' | 'signInLinks'>) => void

/** What a wrapper of a call sees: the request, and what all calls share. */
export interface Attempt {
  context: AdminContext
  ip_address: string | null
  user_agent: string | null
}

/** Runs before and after a call that needs no key, such as to count failures. */
export type Around = <Result>(attempt: Attempt, run: () => Promise<Result>) => Promise<Result>

/**
 * The handler of an operation. Only an operation that needs no key has an authenticator, and it
 * must have one.
 */
export type OperationHandler<O extends Operation> = [O['can']] extends [null]
  ? { authenticate: BodyAuthenticator<O>; handle: Handler<O>; around?: Around; before?: Before<O> }
  : Handler<O>
export type AnyOperationHandler =
  | Handler<any>
  | { authenticate: BodyAuthenticator<any>; handle: Handler<any>; around?: Around; before?: Before<any> }

export type Handlers<Resource extends Record<string, Operation>> = {
  [Name in keyof Resource]: OperationHandler<Resource[Name]>
}

/**
 * The handlers of one resource. A missing handler, or one whose answer differs from its contract,
 * is a type error.
 */
export const handlers = <Resource extends Record<string, Operation>>(_: Resource, all: Handlers<Resource>) => all
