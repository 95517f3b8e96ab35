/** Changes of what a project may use, and of what is kept of its requests. */
import * as fc from 'fast-check'
import { projectRetentionTypes, retentionTypes } from '../../contract/data-retention.ts'
import { command, ok, project, refused, type Real } from './command.ts'

const tool = fc.constantFrom('mcp', 'web_search')
const tiers = fc.constantFrom<'all' | string[]>('all', ['flex'], ['fast', 'flex'])
const projectPath = (real: Real, project: number, setting: string) =>
  `/organization/projects/${real.projects[project]}/${setting}`

export const settingCommands = [
  command('switch tool', { project, tool, enabled: fc.boolean() }, ({ project, tool, enabled }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      const off = o.settings.toolsOffIn(project)
      if (off.has(tool) !== enabled) return ok()
      if (enabled) off.delete(tool)
      else off.add(tool)
      return ok({ 'tenant.product_access_policy.updated': 1 })
    },
    real: (r) => r.ask('POST', projectPath(r, project, 'hosted_tool_permissions'), { [tool]: { enabled } }),
  })),
  command(
    'set tiers',
    { project, chosen: fc.constantFrom('standard', 'fast'), enabled_tiers: tiers },
    ({ project, chosen, enabled_tiers }) => ({
      model(o) {
        if (o.archived.has(project)) return refused
        if (chosen === 'fast' && enabled_tiers !== 'all' && !enabled_tiers.includes('fast')) return refused
        o.settings.tiers.set(project, { default: chosen, enabled_tiers })
        return ok({ 'tenant.product_access_policy.updated': 1 })
      },
      real: (r) => r.ask('POST', projectPath(r, project, 'service_tier_settings'), { default: chosen, enabled_tiers }),
    }),
  ),
  command('retain in organization', { type: fc.constantFrom(...retentionTypes) }, ({ type }) => ({
    model({ settings }) {
      if (settings.retention.get('organization') === type) return ok()
      settings.retention.set('organization', type)
      return ok({ 'tenant.policy.updated': 1 })
    },
    real: (r) => r.ask('POST', '/organization/data_retention', { retention_type: type }),
  })),
  command('retain in project', { project, type: fc.constantFrom(...projectRetentionTypes) }, ({ project, type }) => ({
    model(o) {
      if (o.archived.has(project)) return refused
      if (o.settings.of(project).retention === type) return ok()
      o.settings.retention.set(project, type)
      return ok({ 'tenant.policy.updated': 1 })
    },
    real: (r) => r.ask('POST', projectPath(r, project, 'data_retention'), { retention_type: type }),
  })),
]
