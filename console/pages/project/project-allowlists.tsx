/** Which IP allow lists of the organization hold for the model requests of a project. */
import { useSignal } from '@preact/signals'
import { Confirm } from '../../parts/dialog.tsx'
import { organization, useList } from '../../use-calls.ts'
import type { SectionProps } from '../project.tsx'
import { AllowlistRows, type Allowlist } from '../security/allowlist-rows.tsx'

const { ipAllowlists } = organization.projects

export function ProjectAllowlists({ project: { id }, mayChange }: SectionProps) {
  const list = useList<Allowlist>((options) => ipAllowlists.list(id, { limit: 50 }, options), [id])
  const switching = useSignal<Allowlist | null>(null)
  return (
    <>
      <p class="about">
        While lists are active here, model requests with keys of this project work from their addresses only. Those that
        are active for the organization hold besides.
      </p>
      <AllowlistRows list={list} mayChange={mayChange} onSwitch={(one) => (switching.value = one)} />
      {switching.value && (
        <Switch project_id={id} of={switching.value} onChanged={list.reload} onClose={() => (switching.value = null)} />
      )}
    </>
  )
}

interface SwitchProps {
  project_id: string
  of: Allowlist
  onChanged: () => void
  onClose: () => void
}

function Switch({ project_id, of: { id, name, active }, onChanged, onClose }: SwitchProps) {
  const verb = active ? 'Deactivate' : 'Activate'
  return (
    <Confirm
      title={`${verb} the list?`}
      action={verb}
      onClose={onClose}
      onConfirm={async () => {
        await (active ? ipAllowlists.deactivate : ipAllowlists.activate)(project_id, { ip_allowlist_ids: [id] })
        onChanged()
      }}
    >
      <p>
        {active ? (
          <>
            The addresses of <strong>{name}</strong> are then allowed only where another list that is active here has
            them; without any, every address is.
          </>
        ) : (
          <>
            Model requests with keys of this project from addresses that are neither in <strong>{name}</strong> nor in
            another list that is active here are refused from then on.
          </>
        )}
      </p>
    </Confirm>
  )
}
