/** What a command is: a change, once for the model and once for the real organization. */
import * as fc from 'fast-check'
import type { Organization, Answer } from './organization.ts'

/** The ids of what the real organization made, in the order of the model's numbers. */
export interface Real {
  ask: (method: string, path: string, body?: unknown) => Promise<{ status: number; json: any }>
  organization_id: string
  users: string[]
  projects: string[]
  groups: string[]
  accounts: string[]
  keys: string[]
  /** The values of the keys. */
  values: string[]
  roles: string[]
  providers: string[]
  rules: string[]
  /** The values of the access tokens. */
  tokens: string[]
  sessions: string[]
  /** The cookies of the sessions. */
  cookies: string[]
  /** Signs a person in with a link; 404 for somebody who gets none. */
  signIn: (user_id: string) => Promise<{ status: number; json: any }>
  /** A call with the cookie of a session, on the first server or on another one. */
  askAs: (cookie: string, method: string, path: string, on?: number) => Promise<{ status: number; json: any }>
  /** Lets seconds pass on every server. */
  pass: (seconds: number) => void
  /** The body that makes a provider, whose keys the test has. */
  provider: object
  /** Exchanges a token that the provider's issuer signed. */
  exchange: (provider_id: string, service_account_id: string) => Promise<{ status: number; json: any }>
}

type Made =
  | 'groups'
  | 'accounts'
  | 'keys'
  | 'values'
  | 'roles'
  | 'providers'
  | 'rules'
  | 'tokens'
  | 'sessions'
  | 'cookies'

export interface Command {
  name: string
  model: (organization: Organization) => Answer
  real: (real: Real) => Promise<{ status: number; json: any }>
  /** What a success made, for later commands. */
  made?: { list: Made; id: (json: any) => string }[]
}

export const ok = (events: Record<string, number> = {}): Answer => ({ status: 200, events })
export const missing: Answer = { status: 404 }
export const refused: Answer = { status: 400 }
export const builtIn = ['owner', 'member', 'viewer']

/** The id of a role by its key; a number is a custom role that was made earlier. */
export const roleId = (real: Real, level: 'organization' | 'project', role: string) =>
  role.startsWith('r') && role !== 'reader'
    ? (real.roles[Number(role.slice(1))] ?? 'role_none')
    : `role-api-${level}-${role}`

type Arbitraries = Record<string, fc.Arbitrary<any>>
type Values<A extends Arbitraries> = { [Name in keyof A]: A[Name] extends fc.Arbitrary<infer Value> ? Value : never }

export const command = <A extends Arbitraries>(
  name: string,
  arbitraries: A,
  build: (values: Values<A>) => Omit<Command, 'name'>,
): fc.Arbitrary<Command> =>
  fc.record(arbitraries).map((values) => ({ ...build(values as Values<A>), name: `${name} ${JSON.stringify(values)}` }))

export const user = fc.nat(3)
export const project = fc.nat(1)
export const group = fc.nat(2)
export const account = fc.nat(2)
export const key = fc.nat(5)
export const projectRole = fc.constantFrom(...builtIn)
/** A role of a project, or of the organization, built-in or custom. */
export const inProject = fc.constantFrom(...builtIn, 'r0', 'r1')
const inOrganization = fc.constantFrom('owner', 'reader', 'r0', 'r1')
/** Who can be a member of a group. */
export const member = fc.oneof(
  user.map((number) => `u${number}`),
  account.map((number) => `a${number}`),
)
export const holder = fc.oneof(
  member,
  group.map((number) => `g${number}`),
)
export const resource = fc.constantFrom('organization', 'p0', 'p1')
/**
 * What somebody may hold: any role anywhere, or a built-in one that an account of the beginning may
 * hold in its own project.
 */
export const holding = fc.oneof(
  fc.record({ holder, resource, role: fc.oneof(inProject, inOrganization) }),
  fc.record({ holder: fc.constant('a0'), resource: fc.constant('p1'), role: projectRole }),
  fc.record({ holder: fc.constant('a1'), resource: fc.constant('p0'), role: projectRole }),
)

/** Whether roles of the resource can be held: accounts have them in their own project alone. */
export const canHold = (o: Organization, where: string, holder: string) =>
  o.lives(holder) && (!holder.startsWith('a') || `p${o.accounts.get(Number(holder.slice(1)))}` === where)
export const isKnown = (o: Organization, where: string, role: string) =>
  (where === 'organization' ? ['owner', 'reader'] : builtIn).includes(role) || Boolean(o.roles.get(where)?.has(role))
const projectNumber = (where: string) => Number(where.slice(1))
export const isArchived = (o: Organization, where: string) =>
  where !== 'organization' && o.archived.has(projectNumber(where))
export const rolesPath = (real: Real, where: string) =>
  where === 'organization' ? '/organization' : `/projects/${real.projects[projectNumber(where)]}`
export const idOf = (real: Real, principal: string) =>
  real[({ u: 'users', a: 'accounts', g: 'groups' } as const)[principal[0] as 'u']][Number(principal.slice(1))] ?? 'none'
export const holderPath = (real: Real, holder: string) =>
  `${holder.startsWith('g') ? 'groups' : 'users'}/${idOf(real, holder)}`

export const accountPath = (real: Real, project: number, account: number) =>
  `/organization/projects/${real.projects[project]}/service_accounts/${real.accounts[account] ?? 'none'}`
