/** The limits of a project, with what is used of each now. */
import { described, get, nullable, object, oneOf, t } from './kit.ts'
import { ProjectModelPermissions } from './project-model-permissions.ts'

const dollars = (description: string) => t.Number({ description: `Dollars: ${description}` })

const spend = (whose: string) =>
  t.Object(
    {
      currency: oneOf('usd'),
      threshold_amount: described(nullable(t.Integer()), 'Cents: the spend limit; null where none is set.'),
      spent: dollars('what requests that ended have cost.'),
      reserved: dollars(
        'what running requests may cost at most, and what servers hold to hand out without asking the database.',
      ),
      burned: dollars(
        'what servers held that were killed: it may be spent or not, counts against the limit, and is in no report. `keyhall limits give-back` on the host gives it back.',
      ),
      remaining: described(
        nullable(t.Number()),
        'Dollars that are left for new requests; null where no limit is set. Below zero where the limit was lowered.',
      ),
      enforcement: described(
        nullable(t.Object({ status: oneOf('inactive', 'enforcing') })),
        'As in the spend limit; null where none is set.',
      ),
    },
    { description: `The money of ${whose} in this month.` },
  )

const limited = t.Object({
  name: {
    ...oneOf(
      'max_requests_per_1_minute',
      'max_tokens_per_1_minute',
      'max_images_per_1_minute',
      'max_audio_megabytes_per_1_minute',
      'max_requests_per_1_day',
      'batch_1_day_max_input_tokens',
    ),
    description: 'As in the rate limits of the project.',
  },
  limit: t.Integer(),
  used: t.Number({
    description:
      'Used in the last 60 seconds or 24 hours, without what servers have not reported yet; that is part of `held`.',
  }),
  held: t.Number({
    description:
      'Granted to servers, which hand it out without asking the database. What they do not use is free again within two seconds; a server that is alone keeps up to half of what is left, for an hour after the last request, and after a key was made.',
  }),
  remaining: t.Number({
    description:
      'The limit without what was used, never below zero. A part of it is held by servers, for requests to come.',
  }),
})

const rateLimits = t.Object({
  id: t.String({ description: 'As in the rate limits of the project.' }),
  model: t.String({ description: 'A model that the upstreams offer, or a pattern of `models:` in the configuration.' }),
  limits: t.Array(limited, { description: 'Only what is limited.' }),
})

const { mode, model_ids } = ProjectModelPermissions.properties

/** What requests of a project are limited by, without its money. */
export const requestLimits = {
  rate_limits: t.Array(rateLimits),
  model_permissions: described(
    nullable(t.Object({ mode, model_ids })),
    'The models that the project may use; null where every model may be used.',
  ),
}

export const ProjectLimits = object(
  'project.limits',
  {
    project_id: t.String(),
    month: t.String({ description: 'The month of the money, UTC, such as `2026-11`.' }),
    spend: t.Object({ organization: spend('the whole organization'), project: spend('the project') }),
    ...requestLimits,
  },
  'Every limit that a project is under, with what is used of it now.',
)

export const projectLimits = {
  retrieve: get('/organization/projects/{project_id}/limits', {
    about: 'Retrieves every limit that a project is under, with what is used of it now.',
    can: 'api.management.read',
    reach: 'project',
    returns: ProjectLimits,
    extension: true,
  }),
}
