/** Which IP allow lists of the organization hold for the model requests of a project. */
import { useAction, organization, useList } from '../../use-calls.ts'
import { Problem } from '../../parts/problem.tsx'
import type { SectionProps } from '../project.tsx'
import { AllowlistRows, type Allowlist } from '../security/allowlist-rows.tsx'

const { ipAllowlists } = organization.projects

export function ProjectAllowlists({ project: { id }, mayChange }: SectionProps) {
  const list = useList<Allowlist>((options) => ipAllowlists.list(id, { limit: 50 }, options), [id])
  const { run, problem } = useAction(async ({ id: ip_allowlist_id, active }: Allowlist) => {
    await (active ? ipAllowlists.deactivate : ipAllowlists.activate)(id, { ip_allowlist_ids: [ip_allowlist_id] })
    list.reload()
  })
  return (
    <>
      <p class="about">
        While lists are active here, model requests with keys of this project work from their addresses only. Those that
        are active for the organization hold besides.
      </p>
      <Problem problem={problem} />
      <AllowlistRows list={list} mayChange={mayChange} onSwitch={(one) => void run(one)} />
    </>
  )
}
