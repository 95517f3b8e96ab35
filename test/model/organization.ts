/** A small organization in memory that says what the real one must answer: people, groups, roles held, projects, keys. */

export type Answer = { status: number; events?: Record<string, number> }

/** What a command may name: by number, so that a sequence can be told before ids exist. */
export interface Key {
  project: number
  owner: { user: number } | { account: number }
}

const ranks: Record<string, number> = { owner: 4, member: 3, viewer: 2 }
const shown = ['none', 'member', 'viewer', 'member', 'owner']

/** Principals are `u0`, `u1`, … and `g0`, …; resources are `organization` and `p0`, …. */
export class Organization {
  /** By resource, then principal: the roles held directly. */
  readonly held = new Map<string, Map<string, Set<string>>>()
  readonly users = new Set<number>()
  readonly groups = new Map<number, Set<number>>()
  readonly archived = new Set<number>()
  readonly accounts = new Map<number, { project: number; role: string }>()
  readonly keys = new Map<number, Key>()
  /** Custom roles that live, by the resource they belong to. */
  readonly roles = new Map<string, Set<string>>()
  made = { groups: 0, accounts: 0, keys: 0, roles: 0 }

  constructor(people: number, projects: number) {
    for (let user = 0; user < people; user++) {
      this.users.add(user)
      this.give('organization', `u${user}`, user === 0 ? 'owner' : 'reader')
    }
    for (let project = 0; project < projects; project++) this.give(`p${project}`, 'u0', 'owner')
    // Something to begin with, so that short histories say much.
    this.groups.set(this.made.groups++, new Set([1]))
    this.groups.set(this.made.groups++, new Set())
    this.roles.set('organization', new Set([`r${this.made.roles++}`]))
    this.roles.set('p0', new Set([`r${this.made.roles++}`]))
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
    return true
  }

  take(resource: string, principal: string, role?: string): string[] {
    const principals = this.held.get(resource)
    const roles = principals?.get(principal)
    if (!roles) return []
    const taken = role === undefined ? [...roles] : roles.has(role) ? [role] : []
    for (const one of taken) roles.delete(one)
    if (roles.size === 0) principals!.delete(principal)
    return taken
  }

  /** The person and all groups the person is in. */
  principalsOf(user: number): string[] {
    const groups = [...this.groups].filter(([, members]) => members.has(user)).map(([group]) => `g${group}`)
    return [`u${user}`, ...groups]
  }

  isOwner(user: number): boolean {
    return this.users.has(user) && this.principalsOf(user).some((one) => this.rolesOf('organization', one).has('owner'))
  }

  get owners(): number[] {
    return [...this.users].filter((user) => this.isOwner(user))
  }

  /** The role by which a person's keys in a project are shown. */
  roleIn(project: number, user: number): string {
    if (!this.users.has(user)) return 'none'
    if (this.isOwner(user)) return 'owner'
    const roles = this.principalsOf(user).flatMap((one) => [...this.rolesOf(`p${project}`, one)])
    return shown[Math.max(0, ...roles.map((role) => ranks[role] ?? 1))]!
  }

  /** The role by which a direct member is shown; null for somebody who is none. */
  directRole(project: number, user: number): string | null {
    const roles = [...this.rolesOf(`p${project}`, `u${user}`)]
    return roles.length === 0 ? null : shown[Math.max(...roles.map((role) => ranks[role] ?? 1))]!
  }

  keyRole(key: Key): string {
    if ('user' in key.owner) return this.roleIn(key.project, key.owner.user)
    return this.accounts.get(key.owner.account)?.role ?? 'none'
  }

  isActive(key: Key): boolean {
    return !this.archived.has(key.project) && this.keyRole(key) !== 'none'
  }

  /** Tries a change; one that leaves no owner is undone and refused. */
  keepingAnOwner(change: () => Answer): Answer {
    const before = structuredClone({ held: this.held, users: this.users, groups: this.groups })
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
