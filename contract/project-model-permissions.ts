/** Which models a project may use. */
import { del, get, object, oneOf, post, t } from './kit.ts'

export const ProjectModelPermissions = object(
  'project.model_permissions',
  {
    mode: {
      ...oneOf('allow_list', 'deny_list'),
      description: '`allow_list`: the models of the list and no others. `deny_list`: all others.',
    },
    model_ids: t.Array(t.String()),
  },
  'The models that the keys of a project may use, and see in `GET /v1/models`. Names are compared as they are.',
)

const path = '/organization/projects/{project_id}/model_permissions'

export const projectModelPermissions = {
  retrieve: get(path, {
    about: 'Retrieves the model permissions of a project; 404 where none are set and every model may be used.',
    can: 'api.management.read',
    reach: 'project',
    returns: ProjectModelPermissions,
  }),
  update: post(path, {
    about: 'Sets the model permissions of a project. They hold from the next request on, on every server.',
    can: 'api.management.write',
    audit: 'tenant.product_access_policy.updated',
    body: {
      mode: oneOf('allow_list', 'deny_list'),
      model_ids: t.Array(t.String({ minLength: 1, maxLength: 255 }), { maxItems: 1000 }),
    },
    returns: ProjectModelPermissions,
  }),
  delete: del(path, {
    about: 'Removes the model permissions of a project: every model may be used again.',
    can: 'api.management.write',
    audit: 'tenant.product_access_policy.updated',
    returns: object('project.model_permissions.deleted', { deleted: t.Literal(true) }),
  }),
}
