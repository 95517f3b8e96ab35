/**
 * A project names no hosted tool that its permissions have off. Looked for in `tools`, in the
 * `session` of a realtime request, and as `web_search_options`, also in the lines of a batch.
 */
import { hostedToolOff } from '../../contract/limit-errors.ts'
import type { HostedTool } from '../../contract/project-hosted-tools.ts'
import type { ProjectCaller } from '../caller.ts'
import type { ModelBody } from '../model-body.ts'
import type { Policy } from './policy.ts'
import { textsIn } from './texts-in.ts'

export const toolMembers = ['tools', 'web_search_options', 'session', 'mcp_servers'] as const

export const hostedToolPermissions: Policy = {
  name: 'hosted tools',
  withoutModel: 'applies',
  members: toolMembers,
  fields: [],
  reserve({ caller, body }) {
    if (body) requireTools(caller, body)
    return null
  },
  message({ project_id, limits: { toolsOff } }, text) {
    if (toolsOff !== null) rejectTools(project_id, toolsOff, text())
  },
}

/** Throws 403 for a body that names a tool that is off. */
export function requireTools({ project_id, limits: { toolsOff } }: ProjectCaller, body: ModelBody) {
  if (toolsOff === null || body.kind !== 'json') return
  const options = body.member('web_search_options')
  if (options !== undefined && options !== 'null' && toolsOff.has('web_search'))
    throw hostedToolOff(project_id, 'web_search', 'web_search_options')
  const servers = body.member('mcp_servers')
  if (servers !== undefined && servers !== 'null' && toolsOff.has('mcp'))
    throw hostedToolOff(project_id, 'mcp', 'mcp_servers')
  for (const member of ['tools', 'session'] as const) rejectTools(project_id, toolsOff, body.member(member) ?? '')
}

function rejectTools(project_id: string, toolsOff: ReadonlySet<string>, json: string) {
  for (const type of textsIn(json, 'type')) {
    const tool = toolOf(type.toLowerCase())
    if (tool !== null && toolsOff.has(tool)) throw hostedToolOff(project_id, tool, 'tools')
  }
}

/**
 * Tools have dated names and previews: `web_search_preview_2025_03_11`, and Anthropic's
 * `web_search_20250305`.
 */
const names: [HostedTool, RegExp][] = [
  ['web_search', /^web_(search|fetch)(_preview)?(_\d{4}_\d\d_\d\d|_\d{8})?$/],
  ['file_search', /^file_search$/],
  ['image_generation', /^image_generation$/],
  ['mcp', /^mcp(_toolset)?$/],
  ['code_interpreter', /^code_(interpreter|execution(_\d{8})?)$/],
]

const toolOf = (type: string) => names.find(([, name]) => name.test(type))?.[0] ?? null
