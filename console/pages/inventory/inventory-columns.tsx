/** The columns of the inventory. Those of times sort it, which stands in the address. */
import { hrefOf, place, setQuery } from '../../place.ts'
import type { Column, Sort } from '../../parts/data-table.tsx'
import {
  created,
  expires,
  keyName,
  lastUsed,
  linkedKeyName,
  LostAccess,
  redactedValue,
} from '../../parts/key-columns.tsx'
import { isOfProject, ownerOf, type InventoryKey, type ProjectKey } from './inventory-key.ts'
import { orderOf, queryFrom, sortAfter, type OrderedBy } from './query.ts'

/** `projects` has the names of projects by their ids, as far as they are known. */
export function inventoryColumns(projects: ReadonlyMap<string, string>): Column<InventoryKey>[] {
  return [
    name,
    owner,
    { title: 'Project', cell: (key) => <ProjectOf of={key} projects={projects} /> },
    redactedValue,
    { ...created, sort: sortBy('created_at') },
    { ...lastUsed, sort: sortBy('last_used_at') },
    { ...expires, sort: sortBy('expires_at') },
    access,
  ]
}

function sortBy(by: OrderedBy): Sort {
  const query = queryFrom(place.value.query)
  const now = orderOf(query)
  const direction = now.order === 'asc' ? 'ascending' : 'descending'
  return {
    direction: now.by === by ? direction : null,
    onSort: () => setQuery({ sort: sortAfter(query, by) }),
  }
}

const linked = linkedKeyName<ProjectKey>(({ project_id }) => project_id)

const name: Column<InventoryKey> = {
  title: 'Name',
  cell: (key) =>
    isOfProject(key) ? (
      linked.cell(key)
    ) : (
      <>
        {keyName.cell(key)}
        <span class="badge">Admin key</span>
      </>
    ),
}

const owner: Column<InventoryKey> = {
  title: 'Owner',
  cell: (key) => (
    <>
      {ownerOf(key).name}
      {key.owner.type === 'service_account' && <span class="badge">Service account</span>}
    </>
  ),
}

const access: Column<InventoryKey> = {
  title: 'Access',
  cell: (key) => (key.owner_project_access === 'active' ? 'Has access' : <LostAccess />),
}

interface ProjectProps {
  of: InventoryKey
  projects: ReadonlyMap<string, string>
}

function ProjectOf({ of: key, projects }: ProjectProps) {
  if (!isOfProject(key)) return <span class="faint">The organization</span>
  const { project_id } = key
  return <a href={hrefOf(`/projects/${encodeURIComponent(project_id)}`)}>{projects.get(project_id) ?? project_id}</a>
}
