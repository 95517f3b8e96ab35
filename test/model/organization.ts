/**
 * A small organization in memory that says what the real one must answer: people, service accounts,
 * groups, roles held, projects, keys.
 */
import { permissionsOf } from '../../contract/permissions.ts'
import { Sessions } from './sessions.ts'
import { Settings } from './settings.ts'
import { Trust } from './trust.ts'

/** The people who have a session from the beginning. */
export const SIGNED_IN = [1, 1, 2]

export type Answer = { status: number; events?: Record<string, number> }

/** What a command may name: by number, so that a sequence can be told before ids exist. */
export interface Key {
  project: number
  /** `u0`, `a0`, … */
  owner: string
}

const ranks: Record<string, number> = { owner: 4, member: 3, viewer: 2 }
const shownAs = ['none', 'member', 'viewer', 'member', 'owner']

/** The permission that a custom role has and no other. */
export const permissionOf = (role: string) =>
  `api.custom.${role.replace(/\d/g, (digit) => 'zyxwvutsrq'[Number(digit)]!)}.read`

/**
 * Principals are `u0`, `u1`, …, `a0`, …, which are service accounts, and `g0`, …; resources are
 * `organization` and `p0`, ….
 */
export class Organization {
  /** By resource, then principal: the roles held directly. */
  readonly held = new Map<string, Map<string, Set<string>>>()
  readonly users = new Set<number>()
  /** The people and service accounts in each. */
  readonly groups = new Map<number, Set<string>>()
  readonly archived = new Set<number>()
  /** Projects in which `u0` is a member only because of having made them. */
  readonly unasked = new Set<number>()
  /** The project of each. */
  readonly accounts = new Map<number, number>()
  readonly keys = new Map<number, Key>()
  /** Custom roles that live, by the resource they belong to. */
  readonly roles = new Map<string, Set<string>>()
  readonly trust = new Trust()
  readonly settings = new Settings()
  readonly sessions = new Sessions()
  made = { groups: 0, accounts: 0, keys: 0, roles: 0 }

  constructor(people: number, projects: number) {
    for (let user = 0; user < people; user++) {
      this.users.add(user)
      this.give('organization', `u${user}`, user === 0 ? 'owner' : 'reader')
    }
    for (let project = 0; project < projects; project++) {
      this.give(`p${project}`, 'u0', 'owner')
      this.unasked.add(project)
    }
    // Something to begin with, so that short histories say much.
    this.groups.set(this.made.groups++, new Set(['u1']))
    this.groups.set(this.made.groups++, new Set())
    this.roles.set('organization', new Set([`r${this.made.roles++}`]))
    this.roles.set('p0', new Set([`r${this.made.roles++}`]))
    // One account with a role of its own, one with that of a group.
    for (const project of [1, 0]) {
      const owner = this.addAccount(project, project === 1 ? 'member' : null)
      this.keys.set(this.made.keys++, { project, owner })
    }
    this.groups.get(0)!.add('a1')
    this.give('p0', 'g0', 'viewer')
    this.give('p1', 'g1', 'owner')
    this.give('p0', 'a1', 'r1')
    this.trust.addProvider()
    this.trust.addRule(0, 0)
    this.trust.exchange(0, 0)
    this.settings.toolsOffIn(0).add('web_search')
    for (const user of SIGNED_IN) this.sessions.begin(user, this.organizationRole(user))
  }

  addAccount(project: number, role: string | null): string {
    const number = this.made.accounts++
    this.accounts.set(number, project)
    if (role) this.give(`p${project}`, `a${number}`, role)
    return `a${number}`
  }

  lives(principal: string): boolean {
    const number = Number(principal.slice(1))
    const living = { u: this.users, a: this.accounts, g: this.groups }[principal[0]!]!
    return living.has(number)
  }

  rolesOf(resource: string, principal: string): ReadonlySet<string> {
    return this.held.get(resource)?.get(principal) ?? new Set()
  }

  give(resource: string, principal: string, role: string): boolean {
    const principals = this.held.get(resource) ?? new Map<string, Set<string>>()
    this.held.set(resource, principals)
    const roles = principals.get(principal) ?? new Set()
    principals.set(principal, roles)
    if (roles.has(role)) return false
    roles.add(role)
    if (principal === 'u0') this.unasked.delete(Number(resource.slice(1)))
    return true
  }

  take(resource: string, principal: string, role?: string): string[] {
    const principals = this.held.get(resource)
    const roles = principals?.get(principal)
    if (!roles) return []
    const taken = role === undefined ? [...roles] : roles.has(role) ? [role] : []
    for (const one of taken) roles.delete(one)
    if (principal === 'u0' && taken.length > 0) this.unasked.delete(Number(resource.slice(1)))
    if (roles.size === 0) principals!.delete(principal)
    return taken
  }

  /** The person or account, and all groups that these are in. */
  principalsOf(principal: string): string[] {
    const groups = [...this.groups].filter(([, members]) => members.has(principal)).map(([group]) => `g${group}`)
    return [principal, ...groups]
  }

  isOwner(user: number): boolean {
    return this.owns(`u${user}`)
  }

  owns(principal: string): boolean {
    if (!this.lives(principal)) return false
    return this.principalsOf(principal).some((one) => this.rolesOf('organization', one).has('owner'))
  }

  /** The highest built-in role in the organization. */
  organizationRole(user: number): string {
    const held = this.heldIn('organization', `u${user}`)
    return ['owner', 'reader'].find((role) => held.has(role)) ?? 'member'
  }

  /** Ends the sessions of people who left, or lack the role that they signed in with. */
  endLostSessions(): number {
    return this.sessions.endLost((user, role) => {
      const now = this.organizationRole(user)
      return this.users.has(user) && (role === 'member' || role === now || now === 'owner')
    })
  }

  get owners(): number[] {
    return [...this.users].filter((user) => this.isOwner(user))
  }

  /** What somebody holds in a resource directly and through groups. */
  heldIn(resource: string, principal: string): Set<string> {
    return new Set(this.principalsOf(principal).flatMap((one) => [...this.rolesOf(resource, one)]))
  }

  /** The role by which somebody's keys in a project are shown. */
  roleIn(project: number, principal: string): string {
    if (!this.lives(principal)) return 'none'
    if (this.owns(principal)) return 'owner'
    return this.shown(principal, this.heldIn(`p${project}`, principal))
  }

  /** The role by which a direct member is shown; null for somebody who is none. */
  directRole(project: number, principal: string): string | null {
    const roles = this.rolesOf(`p${project}`, principal)
    return roles.size === 0 ? null : this.shown(principal, roles)
  }

  /** Service accounts are never shown as viewers. */
  shown(principal: string, roles: ReadonlySet<string>): string {
    const role = shownAs[Math.max(0, ...[...roles].map((one) => ranks[one] ?? 1))]!
    return principal.startsWith('a') && role === 'viewer' ? 'member' : role
  }

  keyRole(key: Key): string {
    return this.roleIn(key.project, key.owner)
  }

  isActive(key: Key): boolean {
    return !this.archived.has(key.project) && this.keyRole(key) !== 'none'
  }

  /** All that a key may do. */
  permissionsOf(key: Key): Set<string> {
    if (!this.isActive(key)) return new Set()
    const of = (level: 'organization' | 'project', resource: string) =>
      [...this.heldIn(resource, key.owner)].flatMap((role) =>
        /^r\d/.test(role) ? [permissionOf(role)] : permissionsOf(level, role),
      )
    return new Set([...of('organization', 'organization'), ...of('project', `p${key.project}`)])
  }

  /** Tries a change; one that leaves no owner is undone and refused. */
  keepingAnOwner(change: () => Answer): Answer {
    const before = structuredClone({ held: this.held, users: this.users, groups: this.groups, unasked: this.unasked })
    const answer = change()
    if (this.owners.length > 0) return answer
    for (const [name, value] of Object.entries(before)) {
      const target = this[name as 'held'] as unknown as {
        clear(): void
        add?: (one: unknown) => void
        set?: (key: unknown, one: unknown) => void
      }
      target.clear()
      if (target.add) for (const one of value as Set<unknown>) target.add(one)
      else for (const [key, one] of value as Map<unknown, unknown>) target.set!(key, one)
    }
    return { status: 400 }
  }
}
