/**
 * A project names no hosted tool that its permissions have off. Looked for in `tools`, in the
 * `session` of a realtime request, and as `web_search_options`, also in the lines of a batch.
 */
import { hostedToolOff } from '../../contract/limit-errors.ts'
import type { HostedTool } from '../../contract/project-hosted-tools.ts'
import type { ProjectCaller } from '../caller.ts'
import type { ModelBody } from '../model-body.ts'
import type { Policy } from './policy.ts'

export const toolMembers = ['tools', 'web_search_options', 'session'] as const

export const hostedToolPermissions: Policy = {
  name: 'hosted tools',
  withoutModel: 'applies',
  members: toolMembers,
  fields: [],
  reserve({ caller, body }) {
    if (body) requireTools(caller, body)
    return null
  },
}

/** Throws 403 for a body that names a tool that is off. */
export function requireTools({ project_id, limits: { toolsOff } }: ProjectCaller, body: ModelBody) {
  if (toolsOff === null || body.kind !== 'json') return
  const options = body.member('web_search_options')
  if (options !== undefined && options !== 'null' && toolsOff.has('web_search'))
    throw hostedToolOff(project_id, 'web_search', 'web_search_options')
  for (const member of ['tools', 'session'] as const)
    for (const type of typesIn(body.member(member) ?? '')) {
      const tool = toolOf(type)
      if (tool !== null && toolsOff.has(tool)) throw hostedToolOff(project_id, tool, 'tools')
    }
}

/** Tools have dated names and previews: `web_search_preview_2025_03_11`. */
const names: [HostedTool, RegExp][] = [
  ['web_search', /^web_search(_preview)?(_\d{4}_\d\d_\d\d)?$/],
  ['file_search', /^file_search$/],
  ['image_generation', /^image_generation$/],
  ['mcp', /^mcp$/],
  ['code_interpreter', /^code_interpreter$/],
]

const toolOf = (type: string) => names.find(([, name]) => name.test(type))?.[0] ?? null

const STRING = /"(?:[^"\\]|\\.)*"/gs

/**
 * Every text that stands behind a member called `type`, at any depth, in lower case. Each
 * occurrence counts: where a member stands twice, or in other letters, another parser may read the
 * one that ours does not.
 */
function* typesIn(json: string): Generator<string> {
  let isType = false
  let end = 0
  for (const { 0: quoted, index } of json.matchAll(STRING)) {
    const between = json.slice(end, index).trim()
    end = index + quoted.length
    const text = textOf(quoted)
    if (isType && between === ':') yield text
    isType = text === 'type'
  }
}

function textOf(quoted: string): string {
  try {
    return (JSON.parse(quoted) as string).toLowerCase()
  } catch {
    return ''
  }
}
