/** One project: who belongs to it, its keys, its limits, its budget and what it used. */
import { useSignal } from '@preact/signals'
import type { ComponentType } from 'preact'
import type { PageProps } from '../pages.ts'
import { Confirm } from '../parts/dialog.tsx'
import { FormDialog } from '../parts/form-dialog.tsx'
import { TextField } from '../parts/form.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { place } from '../place.ts'
import { can, canIn, loadMe, type Me } from '../session.ts'
import { organization, useAnswer } from '../use-calls.ts'

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

interface Options {
  /** An owner of the project alone does not see it. */
  isOfOrganization?: boolean
}

/** One is shown at a time, and loaded when it is. */
const section = (
  title: string,
  load: () => Promise<ComponentType<SectionProps>>,
  { isOfOrganization = false }: Options = {},
) => ({ title, isOfOrganization, load: async () => ({ default: await load() }) })

const sections = {
  members: section('Members', async () => (await import('./project/members.tsx')).Members),
  groups: section('Groups', async () => (await import('./project/project-groups.tsx')).ProjectGroups),
  roles: section('Roles', async () => (await import('./project/project-roles.tsx')).ProjectRoles),
  'service-accounts': section(
    'Service accounts',
    async () => (await import('./project/service-accounts.tsx')).ServiceAccounts,
  ),
  keys: section('Keys', async () => (await import('./project/project-keys.tsx')).ProjectKeys),
  limits: section('Limits', async () => (await import('./project/limits.tsx')).Limits),
  models: section('Models', async () => (await import('./project/models.tsx')).Models),
  policies: section('Policies', async () => (await import('./project/policies.tsx')).Policies, {
    isOfOrganization: true,
  }),
  addresses: section(
    'IP allow lists',
    async () => (await import('./project/project-allowlists.tsx')).ProjectAllowlists,
    { isOfOrganization: true },
  ),
  certificates: section(
    'Certificates',
    async () => (await import('./project/project-certificates.tsx')).ProjectCertificates,
    { isOfOrganization: true },
  ),
  budget: section('Budget', async () => (await import('./project/budget.tsx')).Budget),
  usage: section('Usage', async () => (await import('./project/project-usage.tsx')).ProjectUsage),
}

const sectionsFor = (me: Me) =>
  Object.entries(sections).filter(([, { isOfOrganization }]) => !isOfOrganization || can(me, 'api.management.read'))

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
  const shown = sectionsFor(me)
  const chosen = place.value.query.get('tab')
  const [name, { title, load }] = shown.find(([name]) => name === chosen) ?? shown[0]!
  const titles = shown.map(([name, { title }]) => ({ name, title }))
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
        <Loaded key={name} load={load} props={{ me, project, mayManage, mayChange }} />
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
