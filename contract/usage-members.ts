/** What the results of usage reports are made of: what they are grouped by, and what is counted. */
import { nullable, oneOf, optional, t } from './kit.ts'

export const dimension = (what: string) =>
  optional(nullable(t.String({ description: `${what}, where the report is grouped by it; else null.` })))

export const dimensions = {
  project_id: dimension('The project'),
  user_id: dimension('The person or service account that owns the key'),
  api_key_id: dimension('The key'),
  model: dimension('The model'),
  estimated: optional(
    t.Boolean({
      description:
        'An extension of Keyhall, only where the report is grouped by it: whether Keyhall estimated the usage, because no upstream reported it.',
    }),
  ),
}
export const api_source = optional(
  nullable({
    ...oneOf('agents_api', 'unlabeled'),
    description: 'Always `unlabeled` here, where the report is grouped by it; else null.',
  }),
)

export const count = (description: string) => t.Integer({ description })
export const requests = count('Requests that reached a model.')

export const tokens = {
  input_tokens: count('Tokens of the prompts, those from the cache and those written to it included.'),
  output_tokens: count('Tokens of the answers.'),
  num_model_requests: requests,
  input_cached_tokens: optional(count('Of the prompts, those that were in the cache.')),
  input_cache_write_tokens: optional(count('Of the prompts, those that were written to the cache.')),
  input_cache_write_30m_tokens: optional(count('Of these, those that stay for 30 minutes.')),
  input_cache_write_12h_tokens: optional(count('Of these, those that stay for 12 hours.')),
  input_uncached_tokens: optional(count('Of the prompts, those that were neither in the cache nor written to it.')),
  input_text_tokens: optional(count('Of the uncached ones, text.')),
  output_text_tokens: optional(count('Of the answers, text.')),
  input_cached_text_tokens: optional(count('Of the cached ones, text.')),
  input_audio_tokens: optional(count('Of the prompts, audio.')),
  input_cached_audio_tokens: optional(count('Of the cached ones, audio.')),
  output_audio_tokens: optional(count('Of the answers, audio.')),
  input_image_tokens: optional(count('Of the prompts, images.')),
  input_cached_image_tokens: optional(count('Of the cached ones, images.')),
  output_image_tokens: optional(count('Of the answers, images.')),
}

export const completionMembers = {
  ...tokens,
  ...dimensions,
  batch: optional(
    nullable(t.Boolean({ description: 'Whether it was part of a batch, where grouped by it; else null.' })),
  ),
  service_tier: dimension('The service tier'),
  api_source,
}
export const completionGroups = [
  'project_id',
  'user_id',
  'api_key_id',
  'model',
  'batch',
  'service_tier',
  'api_source',
  'estimated',
] as const
export const modelGroups = ['project_id', 'user_id', 'api_key_id', 'model', 'estimated'] as const
