/** What projects may use, and what is kept of their requests, in memory. */
import { hostedTools } from '../../contract/project-hosted-tools.ts'

export interface Tiers {
  default: string
  enabled_tiers: 'all' | string[]
}

export class Settings {
  /** By project: hosted tools that are off. */
  readonly toolsOff = new Map<number, Set<string>>()
  readonly tiers = new Map<number, Tiers>()
  /** By project, and by `organization`. */
  readonly retention = new Map<number | 'organization', string>([['organization', 'modified_abuse_monitoring']])

  toolsOffIn(project: number): Set<string> {
    const off = this.toolsOff.get(project) ?? new Set()
    this.toolsOff.set(project, off)
    return off
  }

  /** As the API shows them. */
  of(project: number) {
    return {
      tools: Object.fromEntries(hostedTools.map((tool) => [tool, { enabled: !this.toolsOffIn(project).has(tool) }])),
      tiers: this.tiers.get(project) ?? { default: 'standard', enabled_tiers: 'all' },
      retention: this.retention.get(project) ?? 'organization_default',
    }
  }
}
