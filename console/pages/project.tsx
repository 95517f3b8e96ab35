/** One project: who belongs to it, its keys, its limits and its budget. */
import { useSignal } from '@preact/signals'
import type { PageProps } from '../pages.ts'
import { Confirm } from '../parts/dialog.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import { TextField } from '../parts/form.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { place } from '../place.ts'
import { can, canIn, loadMe, type Me } from '../session.ts'
import { organization, useAnswer } from '../use-calls.ts'
import { Budget } from './project/budget.tsx'
import { Policies } from './project/policies.tsx'
import { ProjectAllowlists } from './project/project-allowlists.tsx'
import { ProjectKeys } from './project/project-keys.tsx'
import { Limits } from './project/limits.tsx'
import { Members } from './project/members.tsx'
import { Models } from './project/models.tsx'
import { ProjectGroups } from './project/project-groups.tsx'
import { ProjectRoles } from './project/project-roles.tsx'
import { ServiceAccounts } from './project/service-accounts.tsx'

export type Project = Awaited<ReturnType<typeof organization.projects.retrieve>>

export interface SectionProps {
  me: Me
  project: Project
  /**
   * Who belongs to it and its keys, as an owner of the project may; an archived one cannot be
   * changed.
   */
  mayManage: boolean
  /** Its limits, models and budget, as owners of the organization may. */
  mayChange: boolean
}

const sections = {
  members: { title: 'Members', Section: Members },
  groups: { title: 'Groups', Section: ProjectGroups },
  roles: { title: 'Roles', Section: ProjectRoles },
  'service-accounts': { title: 'Service accounts', Section: ServiceAccounts },
  keys: { title: 'Keys', Section: ProjectKeys },
  limits: { title: 'Limits', Section: Limits },
  models: { title: 'Models', Section: Models },
  policies: { title: 'Policies', Section: Policies },
  addresses: { title: 'IP allow lists', Section: ProjectAllowlists },
  budget: { title: 'Budget', Section: Budget },
}

const titles = Object.entries(sections).map(([name, { title }]) => ({ name, title }))

export default function ProjectPage({ me, params: { id = '' } }: PageProps) {
  const { answer: project, problem, reload } = useAnswer((options) => organization.projects.retrieve(id, options), [id])
  if (!project)
    return <Page title="Project">{problem !== undefined && <Problem problem={problem} retry={reload} />}</Page>
  const isActive = project.status === 'active'
  const mayManage = isActive && canIn(me, project.id, 'api.management.write')
  const mayChange = isActive && can(me, 'api.management.write')
  function changed() {
    reload()
    // The projects that the person can choose among have changed, too.
    void loadMe()
  }
  const chosen = place.value.query.get('tab') ?? 'members'
  const name = Object.hasOwn(sections, chosen) ? (chosen as keyof typeof sections) : 'members'
  const { title, Section } = sections[name]
  return (
    <Page
      title={project.name}
      about={
        <>
          <code>{project.id}</code>
          {project.status === 'archived' && ' is archived: none of its keys opens anything.'}
        </>
      }
      actions={mayChange && <Change project={project} onChanged={changed} />}
    >
      <Tabs label="Parts of the project" tabs={titles} chosen={name} />
      <section aria-label={title}>
        <Section key={name} me={me} project={project} mayManage={mayManage} mayChange={mayChange} />
      </section>
    </Page>
  )
}

function Change({ project, onChanged }: { project: Project; onChanged: () => void }) {
  const open = useSignal<'rename' | 'archive' | null>(null)
  const close = () => (open.value = null)
  return (
    <>
      <button type="button" onClick={() => (open.value = 'rename')}>
        Rename
      </button>{' '}
      <button type="button" class="danger" onClick={() => (open.value = 'archive')}>
        Archive
      </button>
      {open.value === 'rename' && (
        <FormDialog
          title="Rename the project"
          onClose={close}
          submit="Rename it"
          onSubmit={async (valueOf) => {
            await organization.projects.update(project.id, { name: valueOf('name') })
            close()
            onChanged()
          }}
        >
          <TextField label="Name" name="name" required maxLength={255} value={project.name} />
        </FormDialog>
      )}
      {open.value === 'archive' && (
        <Confirm
          title="Archive the project?"
          action="Archive"
          onClose={close}
          onConfirm={async () => {
            await organization.projects.archive(project.id)
            onChanged()
          }}
        >
          <p>
            All keys of <strong>{project.name}</strong> open nothing from then on. A project that is archived cannot be
            brought back.
          </p>
        </Confirm>
      )}
    </>
  )
}
