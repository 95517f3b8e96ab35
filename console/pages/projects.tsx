/** The projects of the organization: to look into, and to create. */
import { useSignal } from '@preact/signals'
import type { PageProps } from '../pages.ts'
import { AddressFilter } from '../parts/address-filter.tsx'
import { DataTable, listOf, type Column } from '../parts/data-table.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import { DateTime } from '../parts/date-time.tsx'
import { Empty } from '../parts/empty.tsx'
import { TextField } from '../parts/form.tsx'
import { Page } from '../parts/page.tsx'
import { hrefOf, navigate, place, setQuery } from '../place.ts'
import { can, managedBy, type Me } from '../session.ts'
import { organization, useList } from '../use-calls.ts'

type Project = Awaited<ReturnType<typeof organization.projects.list>>['data'][number]

const pathOf = (project_id: string) => `/projects/${encodeURIComponent(project_id)}`

export default function Projects({ me }: PageProps) {
  return can(me, 'api.management.read') ? <AllProjects me={me} /> : <ManagedProjects me={me} />
}

/** Those that somebody manages who has no role in the organization. */
const ManagedProjects = ({ me }: { me: Me }) => (
  <Page title="Projects" about="Those that you manage.">
    <DataTable
      caption="Projects"
      list={listOf(managedBy(me))}
      columns={[nameColumn, idColumn]}
      keyOf={({ id }) => id}
      empty={null}
    />
  </Page>
)

function AllProjects({ me }: { me: Me }) {
  const withArchived = place.value.query.get('archived') === 'too'
  const name = place.value.query.get('name') ?? ''
  const list = useList<Project>(
    (options) =>
      organization.projects.list({ limit: 50, include_archived: withArchived, ...(name && { name }) }, options),
    [withArchived, name],
  )
  const isCreating = useSignal(false)
  const mayCreate = can(me, 'api.management.write')
  return (
    <Page
      title="Projects"
      about="A project has members, keys, limits and a budget of its own."
      actions={
        mayCreate && (
          <button type="button" class="primary" onClick={() => (isCreating.value = true)}>
            Create a project
          </button>
        )
      }
    >
      <AddressFilter label="Name contains" name="name" value={name} maxLength={255} />
      <label class="check">
        <input
          type="checkbox"
          checked={withArchived}
          onChange={(event) => setQuery({ archived: event.currentTarget.checked ? 'too' : null })}
        />
        Archived projects too
      </label>
      <DataTable
        caption="Projects"
        list={list}
        columns={[nameColumn, idColumn, createdColumn]}
        keyOf={({ id }) => id}
        empty={name ? notFound : none}
      />
      {isCreating.value && <CreateProject onClose={() => (isCreating.value = false)} />}
    </Page>
  )
}

const none = <Empty title="There is no project yet">Create one, then add people to it.</Empty>

const notFound = <Empty title="No such project">Another part of the name may find more.</Empty>

interface Shown {
  id: string
  name: string
  status?: 'active' | 'archived'
}

const nameColumn: Column<Shown> = {
  title: 'Name',
  cell: ({ id, name, status }) => (
    <>
      <a href={hrefOf(pathOf(id))}>{name}</a>
      {status === 'archived' && <span class="badge">Archived</span>}
    </>
  ),
}

const idColumn: Column<Shown> = { title: 'Id', cell: ({ id }) => <code>{id}</code> }

const createdColumn: Column<Project> = { title: 'Created', cell: ({ created_at }) => <DateTime at={created_at} /> }

const CreateProject = ({ onClose }: { onClose: () => void }) => (
  <FormDialog
    title="Create a project"
    onClose={onClose}
    submit="Create it"
    onSubmit={async (valueOf) => {
      const { id } = await organization.projects.create({ name: valueOf('name') })
      navigate(pathOf(id))
    }}
  >
    <TextField label="Name" name="name" required maxLength={255} hint="Of a team, or of what it builds." />
  </FormDialog>
)
