/**
 * The columns of each list, in the order in which one looks for them. The last are dropped first on
 * a narrow terminal.
 */
import type { Item } from './cells.ts'

const key = ['name', 'owner', 'last_used_at', 'expires_at', 'redacted_value', 'created_at', 'id']

/** By the command that lists them. `target` and `project` are made here, see `withComputed`. */
const ofLists: Record<string, readonly string[]> = {
  'api-keys list': ['name', 'project', ...key.slice(1), 'owner_project_access', 'project_id'],
  'projects api-keys list': [...key, 'owner_project_access'],
  'projects service-accounts api-keys list': [...key, 'owner_project_access'],
  'admin-api-keys list': [...key, 'scopes'],
  'audit-logs list': ['effective_at', 'actor', 'type', 'target', 'project', 'id'],
  'roles list': ['name', 'description', 'permissions', 'id'],
  'projects roles list': ['name', 'description', 'permissions', 'id'],
  'invites list': ['email', 'role', 'status', 'expires_at', 'id', 'projects', 'created_at', 'accepted_at'],
}

/** Of all others: these first, then what else the objects have, in the contract's order. */
const defaultOrder = [
  'name',
  'email',
  'id',
  'role',
  'status',
  'owner',
  'last_used_at',
  'expires_at',
  'created_at',
  'added_at',
]

/** The columns of a list whose objects have these members. */
export function columnsOf(command: string, members: readonly string[]): readonly string[] {
  const shown = members.filter((name) => name !== 'object')
  return (
    ofLists[command] ?? [
      ...defaultOrder.filter((name) => shown.includes(name)),
      ...shown.filter((name) => !defaultOrder.includes(name)),
    ]
  )
}

/**
 * The object with the members that only tables have. `projectNames` has the names of projects by
 * their ids, as far as they are known.
 */
export function withComputed(command: string, item: Item, projectNames: ReadonlyMap<string, string>): Item {
  if (command === 'api-keys list')
    return { ...item, project: projectNames.get(String(item.project_id)) ?? item.project_id ?? '(admin key)' }
  if (command === 'audit-logs list')
    return { ...item, target: (item[String(item.type)] as Item | undefined)?.id, actor: actorOf(item) }
  return item
}

/** The person or service account behind an event; null for what was done on the host. */
function actorOf({ actor }: Item) {
  const { api_key, session } = (actor ?? {}) as Record<'api_key' | 'session', { user?: Item; id?: string } | undefined>
  return api_key?.user?.email ?? session?.user?.email ?? api_key?.id ?? null
}
