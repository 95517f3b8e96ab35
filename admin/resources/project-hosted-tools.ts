import { hostedTools, projectHostedTools, type HostedTool } from '../../contract/project-hosted-tools.ts'
import { handlers } from '../call.ts'
import { requireActive } from '../rules/require-active.ts'
import { readSetting, writeSetting } from '../shared/project-settings.ts'

export default handlers(projectHostedTools, {
  retrieve: async (call) => present(await toolsThatAreOff(call)),

  async update(call) {
    requireActive(call.project)
    const before = await toolsThatAreOff(call)
    const off = hostedTools.filter((tool) => {
      const change = call.body[tool]
      return change ? !change.enabled : before.includes(tool)
    })
    if (off.join() === before.join()) return present(before)
    await writeSetting(call, 'hosted_tools', off)
    call.record('tenant.product_access_policy.updated', { id: call.project.id, hosted_tools: present(off) })
    return present(off)
  },
})

/** In the order of the contract. */
async function toolsThatAreOff(call: Parameters<typeof readSetting>[0]): Promise<readonly HostedTool[]> {
  const off = ((await readSetting(call, 'hosted_tools')) ?? []) as HostedTool[]
  return hostedTools.filter((tool) => off.includes(tool))
}

const present = (off: readonly HostedTool[]) =>
  Object.fromEntries(hostedTools.map((tool) => [tool, { enabled: !off.includes(tool) }])) as {
    [Tool in HostedTool]: { enabled: boolean }
  }
