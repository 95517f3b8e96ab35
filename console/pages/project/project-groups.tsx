/** The groups that hold a role in a project. */
import { useSignal } from '@preact/signals'
import { DataTable, type Column } from '../../parts/data-table.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { DateTime } from '../../parts/date-time.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { SelectField } from '../../parts/form.tsx'
import { projectRoles } from '../../parts/role-options.ts'
import { can } from '../../session.ts'
import { Problem } from '../../parts/problem.tsx'
import { organization, useAnswer, useList } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'

type Group = Awaited<ReturnType<typeof organization.projects.groups.list>>['data'][number]

export function ProjectGroups({ me, project: { id: project_id, name }, mayManage }: SectionProps) {
  const list = useList<Group>(
    (options) => organization.projects.groups.list(project_id, { limit: 50 }, options),
    [project_id],
  )
  const isAdding = useSignal(false)
  const removing = useSignal<Group | null>(null)
  return (
    <>
      {mayManage && can(me, 'api.management.read') && (
        <button type="button" onClick={() => (isAdding.value = true)}>
          Add a group
        </button>
      )}
      <DataTable
        caption="Groups"
        list={list}
        columns={columns}
        keyOf={({ group_id }) => group_id}
        empty={<p>No group holds a role in this project.</p>}
        actions={
          mayManage &&
          ((group) => (
            <button type="button" onClick={() => (removing.value = group)}>
              Remove <span class="visually-hidden">{group.group_name}</span>
            </button>
          ))
        }
      />
      {isAdding.value && (
        <AddGroup project_id={project_id} onAdded={list.reload} onClose={() => (isAdding.value = false)} />
      )}
      {removing.value && (
        <Confirm
          title="Remove this group?"
          action="Remove"
          onClose={() => (removing.value = null)}
          onConfirm={async () => {
            await organization.projects.groups.delete(removing.value!.group_id, { project_id })
            list.reload()
          }}
        >
          <p>
            Who is in {name} only through <strong>{removing.value.group_name}</strong> loses access, and their keys in
            it open nothing from then on.
          </p>
        </Confirm>
      )}
    </>
  )
}

const columns: Column<Group>[] = [
  { title: 'Name', cell: ({ group_name }) => group_name },
  { title: 'Added', cell: ({ created_at }) => <DateTime at={created_at} /> },
]

interface AddProps {
  project_id: string
  onAdded: () => void
  onClose: () => void
}

function AddGroup({ project_id, onAdded, onClose }: AddProps) {
  const groups = useAnswer((options) => organization.groups.list({ limit: 1000 }, options), [])
  return (
    <FormDialog
      title="Add a group"
      onClose={onClose}
      submit="Add"
      isDisabled={!groups.answer?.data.length}
      onSubmit={async (valueOf) => {
        await organization.projects.groups.create(project_id, {
          group_id: valueOf('group_id'),
          role: valueOf('role'),
        })
        onAdded()
        onClose()
      }}
    >
      <Problem problem={groups.problem} retry={groups.reload} />
      {groups.answer?.data.length === 0 && <p>The organization has no group yet.</p>}
      <SelectField
        label="Group"
        name="group_id"
        options={(groups.answer?.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
      />
      <SelectField label="Role" name="role" value="member" options={projectRoles} />
    </FormDialog>
  )
}
