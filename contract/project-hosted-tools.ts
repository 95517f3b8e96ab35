/** Which hosted tools a project may use: tools that the model server runs by itself. */
import { closedObject, get, nullable, optional, post, t } from './kit.ts'

export const hostedTools = ['file_search', 'web_search', 'image_generation', 'mcp', 'code_interpreter'] as const
export type HostedTool = (typeof hostedTools)[number]

const state = () => closedObject({ enabled: t.Boolean() })
const change = () => optional(nullable(state()))

export const ProjectHostedTools = t.Object(
  {
    file_search: state(),
    web_search: state(),
    image_generation: state(),
    mcp: state(),
    code_interpreter: state(),
  },
  {
    description:
      'The hosted tools that requests of a project may name. A request that names one that is off is refused before it is forwarded. All are on by default.',
  },
)

const path = '/organization/projects/{project_id}/hosted_tool_permissions'

export const projectHostedTools = {
  retrieve: get(path, {
    about: 'Retrieves which hosted tools a project may use.',
    can: 'api.management.read',
    returns: ProjectHostedTools,
  }),
  update: post(path, {
    about: 'Switches hosted tools of a project on and off, on every server at once. What is not given stays.',
    can: 'api.management.write',
    audit: 'tenant.product_access_policy.updated',
    body: {
      file_search: change(),
      web_search: change(),
      image_generation: change(),
      mcp: change(),
      code_interpreter: change(),
    },
    returns: ProjectHostedTools,
  }),
}
