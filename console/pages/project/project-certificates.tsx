/** Which certificates of the organization's authorities hold for a project. */
import { useSignal } from '@preact/signals'
import { Confirm } from '../../parts/dialog.tsx'
import { organization, useList } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'
import { CertificateRows, nameOf } from '../workloads/certificate-rows.tsx'

const { certificates } = organization.projects

type Certificate = Awaited<ReturnType<typeof certificates.list>>['data'][number]

export function ProjectCertificates({ project: { id, name }, mayChange }: SectionProps) {
  const list = useList<Certificate>((options) => certificates.list(id, { limit: 50 }, options), [id])
  const toggling = useSignal<Certificate | null>(null)
  return (
    <>
      <p class="about">
        While one is active here or for the organization, model requests with keys of this project need a client
        certificate.
      </p>
      <CertificateRows
        list={list}
        mayChange={mayChange}
        onSwitch={(certificate) => (toggling.value = certificate)}
        empty="An owner of the organization uploads those of authorities under “Workloads”."
      />
      {toggling.value && (
        <Toggle
          project={{ id, name }}
          of={toggling.value}
          onDone={list.reload}
          onClose={() => (toggling.value = null)}
        />
      )}
    </>
  )
}

interface ToggleProps {
  project: { id: string; name: string }
  of: Certificate
  onDone: () => void
  onClose: () => void
}

const Toggle = ({ project, of: { id, name, active }, onDone, onClose }: ToggleProps) => (
  <Confirm
    title={active ? 'Deactivate this certificate?' : 'Activate this certificate?'}
    action={active ? 'Deactivate' : 'Activate'}
    onClose={onClose}
    onConfirm={async () => {
      await (active ? certificates.deactivate : certificates.activate)(project.id, { certificate_ids: [id] })
      onDone()
    }}
  >
    <p>
      {active ? (
        <>
          Client certificates that chain to <strong>{nameOf({ id, name })}</strong> alone open nothing in {project.name}{' '}
          any more, unless it is active for the organization, too. Without any active certificate, none is needed.
        </>
      ) : (
        <>
          From then on every model request in {project.name} needs a client certificate that chains to{' '}
          <strong>{nameOf({ id, name })}</strong> or to another active one. Clients without one are refused at once.
        </>
      )}
    </p>
  </Confirm>
)
