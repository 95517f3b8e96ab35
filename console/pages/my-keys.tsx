/** The keys that somebody has in the projects that he belongs to: to make, see and revoke. */
import { useSignal } from '@preact/signals'
import { activeProject } from '../active-project.ts'
import { hrefOf, place, setQuery } from '../place.ts'
import { organization, useAction, useList } from '../use-calls.ts'
import { ownProjects } from '../own-projects.ts'
import { useProjectNames } from '../project-names.ts'
import type { PageProps } from '../pages.ts'
import { Confirm } from '../parts/dialog.tsx'
import { DataTable, type Column } from '../parts/data-table.tsx'
import { created, expires, keyName, lastUsed, redactedValue } from '../parts/key-columns.tsx'
import { Empty } from '../parts/empty.tsx'
import { NewKey } from '../parts/new-key.tsx'
import { Page } from '../parts/page.tsx'
import { ProjectChoice } from '../parts/project-choice.tsx'
import { Rotate } from '../parts/rotate.tsx'
import type { NamedProject } from '../parts/use-project-search.ts'
import { can } from '../session.ts'
import { KeyButtons } from './inventory/key-buttons.tsx'

type MyKey = Awaited<ReturnType<typeof organization.me.apiKeys.list>>['data'][number]

export default function MyKeys({ me }: PageProps) {
  const project_id = place.value.query.get('project_id') ?? undefined
  const list = useList<MyKey>(
    (options) => organization.me.apiKeys.list({ project_id, limit: 50 }, options),
    [project_id],
  )
  /** The key that is made, with the project that it begins in. */
  const making = useSignal<{ project_id: string | undefined } | null>(null)
  const revoking = useSignal<MyKey | null>(null)
  const rotating = useSignal<MyKey | null>(null)
  const { own, among, mayMakeKeys } = ownProjects(me)
  const make = useAction(async () => {
    making.value = { project_id: await firstChoice(project_id, own, among) }
  })
  const mayRead = can(me, 'api.management.read')
  const names = useProjectNames(mayRead ? list.items.map(({ project_id }) => project_id) : [], me.projects)
  const nameOf = ({ project_id }: MyKey) => names.get(project_id) ?? project_id
  const makeButton = mayMakeKeys && (
    <button type="button" class="primary" onClick={() => void make.run()}>
      Make a key
    </button>
  )
  return (
    <Page title="My keys" about={<About />} actions={makeButton}>
      {(mayRead || me.projects.length > 1) && (
        <ProjectFilter among={mayRead ? undefined : me.projects} value={project_id} />
      )}
      <DataTable
        caption="Your keys"
        list={list}
        columns={columnsWith(nameOf)}
        keyOf={({ id }) => id}
        empty={<NoKeys mayMakeKeys={mayMakeKeys} isFiltered={project_id !== undefined} />}
        actions={(key) => (
          <KeyButtons of={key} onRotate={() => (rotating.value = key)} onRevoke={() => (revoking.value = key)} />
        )}
      />
      {making.value && (
        <NewKey among={among} {...making.value} onMade={list.reload} onClose={() => (making.value = null)} />
      )}
      {rotating.value && (
        <Rotate
          name={rotating.value.name}
          rotate={(overlap_seconds) => organization.me.apiKeys.rotate(rotating.value!.id, { overlap_seconds })}
          onRotated={list.reload}
          onClose={() => (rotating.value = null)}
        />
      )}
      {revoking.value && (
        <Revoke
          keyToEnd={revoking.value}
          project={nameOf(revoking.value)}
          onClose={() => (revoking.value = null)}
          onRevoked={list.reload}
        />
      )}
    </Page>
  )
}

/**
 * The project that a new key begins with: the one that the list is filtered by if keys can be made
 * in it, and never another one in its place. Without a filter it is the only one, if there is one.
 */
async function firstChoice(filter: string | undefined, own: Projects, among: Projects | undefined) {
  if (filter === undefined) return own.length === 1 ? own[0]!.id : undefined
  return among ? among.find(({ id }) => id === filter)?.id : activeProject(filter)
}

type Projects = readonly NamedProject[]

const About = () => (
  <>
    With a key of yours, programs call models in your name. <a href={hrefOf('/usage?whose=me')}>See what they used.</a>
  </>
)

const columnsWith = (projectOf: (key: MyKey) => string): Column<MyKey>[] => [
  keyName,
  { title: 'Project', cell: projectOf },
  redactedValue,
  created,
  lastUsed,
  expires,
]

interface FilterProps {
  among: readonly NamedProject[] | undefined
  value: string | undefined
}

const ProjectFilter = ({ among, value }: FilterProps) => (
  <div class="filters">
    <ProjectChoice
      label="Project"
      name="project_id"
      value={value}
      none="All my projects"
      among={among}
      withArchived
      onChange={(project_id) => setQuery({ project_id })}
    />
  </div>
)

function NoKeys({ mayMakeKeys, isFiltered }: { mayMakeKeys: boolean; isFiltered: boolean }) {
  if (!mayMakeKeys)
    return (
      <Empty title="You cannot make keys yet">
        You belong to no project in which you may make keys. An owner of the organization can add you to one.
      </Empty>
    )
  return (
    <Empty title={isFiltered ? 'You have no key in this project' : 'You have no keys yet'}>
      Make one, and use it in any program that speaks the OpenAI API.
    </Empty>
  )
}

interface RevokeProps {
  keyToEnd: MyKey
  project: string
  onClose: () => void
  onRevoked: () => void
}

const Revoke = ({ keyToEnd: { id, name, redacted_value }, project, onClose, onRevoked }: RevokeProps) => (
  <Confirm
    title="Revoke this key?"
    action="Revoke"
    onClose={onClose}
    onConfirm={async () => {
      await organization.me.apiKeys.delete(id)
      onRevoked()
    }}
  >
    <p>
      <strong>{name || redacted_value}</strong> in {project} opens nothing from then on, and cannot be brought back.
      Programs that use it stop working.
    </p>
  </Confirm>
)
