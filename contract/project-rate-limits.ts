/** How much a project may ask of each model. */
import { cursor, described, get, id, list, object, optional, post, t } from './kit.ts'

/** What stands where nothing limits. */
export const UNLIMITED = 2_147_483_647

const amount = (description: string) => t.Integer({ minimum: 0, maximum: UNLIMITED, description })

const limits = {
  max_requests_per_1_minute: amount('Requests in any 60 seconds.'),
  max_tokens_per_1_minute: amount('Tokens in any 60 seconds, of the prompt and of the answer.'),
  max_images_per_1_minute: amount('Images in any 60 seconds.'),
  max_audio_megabytes_per_1_minute: amount('Megabytes of audio in any 60 seconds.'),
  max_requests_per_1_day: amount('Requests in any 24 hours.'),
  batch_1_day_max_input_tokens: amount('Tokens of the prompts of batches in any 24 hours.'),
}
export type LimitName = keyof typeof limits

export const ProjectRateLimit = object(
  'project.rate_limit',
  {
    id: id('rl-'),
    model: t.String({
      description: 'A model that the upstreams offer, or a pattern of `models:` in the configuration.',
    }),
    max_requests_per_1_minute: limits.max_requests_per_1_minute,
    max_tokens_per_1_minute: limits.max_tokens_per_1_minute,
    max_images_per_1_minute: optional(limits.max_images_per_1_minute),
    max_audio_megabytes_per_1_minute: optional(limits.max_audio_megabytes_per_1_minute),
    max_requests_per_1_day: optional(limits.max_requests_per_1_day),
    batch_1_day_max_input_tokens: optional(limits.batch_1_day_max_input_tokens),
  },
  'The rate limits of a project for a model. 2147483647 means that nothing limits. Models under one pattern share its limits.',
)

const path = '/organization/projects/{project_id}/rate_limits'
const { after, limit } = cursor(1000, 100, 1)

export const projectRateLimits = {
  listRateLimits: get(path, {
    about: 'Lists the rate limits of a project, one for each model that the upstreams offer.',
    can: 'api.management.read',
    reach: 'project',
    query: {
      after,
      before: optional(described(t.String(), 'Answers the page just before the object with this id.')),
      limit,
    },
    returns: list(ProjectRateLimit),
  }),
  updateRateLimit: post(`${path}/{rate_limit_id}`, {
    about: 'Changes the rate limits of a project for a model. They hold from the next request on, on every server.',
    can: 'api.management.write',
    audit: 'rate_limit.updated',
    body: {
      max_requests_per_1_minute: optional(limits.max_requests_per_1_minute),
      max_tokens_per_1_minute: optional(limits.max_tokens_per_1_minute),
      max_images_per_1_minute: optional(limits.max_images_per_1_minute),
      max_audio_megabytes_per_1_minute: optional(limits.max_audio_megabytes_per_1_minute),
      max_requests_per_1_day: optional(limits.max_requests_per_1_day),
      batch_1_day_max_input_tokens: optional(limits.batch_1_day_max_input_tokens),
    },
    returns: ProjectRateLimit,
  }),
}
