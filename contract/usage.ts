/** Usage and costs in buckets of time: one template, twelve reports. */
import {
  get,
  nullable,
  object,
  oneOf,
  oneOfOpen,
  optional,
  t,
  time,
  type Static,
  type TOptional,
  type TProperties,
  type TUnsafe,
} from './kit.ts'
import {
  api_source,
  completionGroups,
  completionMembers,
  count,
  dimension,
  dimensions,
  modelGroups,
  requests,
  tokens,
} from './usage-members.ts'

/** Any of these values. */
const among = (what: string) =>
  optional(t.Array(t.String(), { maxItems: 100, description: `Only ${what}. Any of the values may match.` }))

const filters = {
  project_ids: among('of these projects'),
  user_ids: among('of the keys of these people and service accounts'),
  api_key_ids: among('of these keys'),
  models: among('of these models'),
}

/** How many buckets a page of usage has at most, by their width. */
export const mostBuckets = { '1m': 1440, '1h': 168, '1d': 31 } as const
/** How many a page of costs has at most. */
export const mostCostBuckets = { ...mostBuckets, '1d': 180 } as const
/** How many a page has where `limit` is not given. */
export const defaultBuckets = { '1m': 60, '1h': 24, '1d': 7 } as const
export type BucketWidth = keyof typeof mostBuckets

/** Until the year 9999. */
const moment = (description: string) =>
  t.Integer({ format: 'unixtime', minimum: 0, maximum: 253_402_300_799, description })

const range = {
  start_time: moment('Unix time in seconds, inclusive: usage from this time on.'),
  end_time: optional(moment('Unix time in seconds, exclusive: usage before this time. Default: now.')),
  page: optional(
    t.String({ description: 'The `next_page` of the page before; the rest of the query must be the same.' }),
  ),
}

const page = <const Name extends string, Properties extends TProperties>(name: Name, members: Properties) =>
  object('page', {
    data: t.Array(
      object('bucket', {
        start_time: time('Where the bucket begins, inclusive'),
        end_time: time('Where the bucket ends, exclusive'),
        results: t.Array(object(`organization.${name}.result`, members)),
      }),
    ),
    has_more: t.Boolean(),
    next_page: nullable(t.String()),
  })

const query = <const Groups extends readonly string[], Filters extends TProperties>(
  groups: Groups,
  filters: Filters,
  most: Record<BucketWidth, number> = mostBuckets,
) => ({
  ...range,
  bucket_width: optional({ ...oneOf('1m', '1h', '1d'), default: '1d', description: 'A minute, an hour or a day.' }),
  limit: optional(
    t.Integer({
      minimum: 1,
      maximum: most['1m'],
      description: `Buckets a page: at most ${most['1m']} of a minute, ${most['1h']} of an hour, ${most['1d']} of a day; by default 60, 24 or 7.`,
    }),
  ),
  group_by: optional(
    t.Array(oneOf(...groups), {
      maxItems: 10,
      description: groups.includes('estimated')
        ? 'A result for each combination of these. `estimated` is an extension of Keyhall.'
        : 'A result for each combination of these.',
    }),
  ),
  ...filters,
})

/** A report named `name`, at the path `path`. */
const report = <
  const Path extends string,
  const Name extends string,
  Metrics extends TProperties,
  Query extends TProperties,
>(
  path: Path,
  name: Name,
  about: string,
  metrics: Metrics,
  query: Query,
) =>
  get(`/organization/usage/${path}`, {
    about,
    can: 'api.usage.read',
    reach: 'filtered',
    query,
    returns: page(`usage.${name}`, metrics),
  })

const completionFilters = {
  ...filters,
  batch: optional(t.Boolean({ description: 'Only requests of batches, or only others.' })),
}

/** OpenAI's SDK allows null for each member of one query but its start. */
const orNull = <Query extends TProperties>(query: Query) =>
  Object.fromEntries(
    Object.entries(query).map(([name, schema]) => [name, name === 'start_time' ? schema : optional(nullable(schema))]),
  ) as {
    [Name in keyof Query]: Name extends 'start_time' ? Query[Name] : TOptional<TUnsafe<Static<Query[Name]> | null>>
  }

export const usage = {
  completions: report(
    'completions',
    'completions',
    'Tokens and requests of chat completions, responses and completions.',
    completionMembers,
    query(completionGroups, completionFilters),
  ),
  decisions: report(
    'decisions',
    'decisions',
    'Tokens and requests of decisions.',
    completionMembers,
    orNull(query(completionGroups, completionFilters)),
  ),
  embeddings: report(
    'embeddings',
    'embeddings',
    'Tokens and requests of embeddings.',
    { input_tokens: tokens.input_tokens, num_model_requests: requests, ...dimensions },
    query(modelGroups, filters),
  ),
  moderations: report(
    'moderations',
    'moderations',
    'Tokens and requests of moderations.',
    { input_tokens: tokens.input_tokens, num_model_requests: requests, ...dimensions },
    query(modelGroups, filters),
  ),
  images: report(
    'images',
    'images',
    'Images and requests for them.',
    {
      images: count('Images that were made.'),
      num_model_requests: requests,
      ...dimensions,
      size: dimension('The size'),
      source: dimension('The source'),
    },
    query([...modelGroups, 'size', 'source'] as const, {
      ...filters,
      sizes: optional(
        t.Array(oneOf('256x256', '512x512', '1024x1024', '1792x1792', '1024x1792'), {
          maxItems: 10,
          description: 'Only of these sizes.',
        }),
      ),
      sources: optional(
        t.Array(oneOf('image.generation', 'image.edit', 'image.variation'), {
          maxItems: 10,
          description: 'Only of these sources.',
        }),
      ),
    }),
  ),
  audioSpeeches: report(
    'audio_speeches',
    'audio_speeches',
    'Characters that were turned into speech.',
    { characters: count('Characters of the texts.'), num_model_requests: requests, ...dimensions },
    query(modelGroups, filters),
  ),
  audioTranscriptions: report(
    'audio_transcriptions',
    'audio_transcriptions',
    'Seconds of audio that were transcribed.',
    { seconds: count('Seconds of audio.'), num_model_requests: requests, ...dimensions },
    query(modelGroups, filters),
  ),
  vectorStores: report(
    'vector_stores',
    'vector_stores',
    'Bytes in vector stores. Nothing behind a plain model server feeds this report: its buckets are empty.',
    { usage_bytes: count('Bytes.'), project_id: dimensions.project_id },
    query(['project_id'] as const, { project_ids: filters.project_ids }),
  ),
  codeInterpreterSessions: report(
    'code_interpreter_sessions',
    'code_interpreter_sessions',
    'Sessions of the code interpreter. Nothing behind a plain model server feeds this report: its buckets are empty.',
    { num_sessions: count('Sessions.'), project_id: dimensions.project_id },
    query(['project_id'] as const, { project_ids: filters.project_ids }),
  ),
  fileSearchCalls: report(
    'file_search_calls',
    'file_searches',
    'File searches that models made.',
    {
      num_requests: count('Searches.'),
      project_id: dimensions.project_id,
      user_id: dimensions.user_id,
      api_key_id: dimensions.api_key_id,
      vector_store_id: dimension('The vector store'),
      estimated: dimensions.estimated,
    },
    query(['project_id', 'user_id', 'api_key_id', 'vector_store_id', 'estimated'] as const, {
      project_ids: filters.project_ids,
      user_ids: filters.user_ids,
      api_key_ids: filters.api_key_ids,
      vector_store_ids: among('in these vector stores'),
    }),
  ),
  webSearchCalls: report(
    'web_search_calls',
    'web_searches',
    'Web searches that models made.',
    {
      num_requests: count('Searches.'),
      num_model_requests: requests,
      ...dimensions,
      context_level: dimension('The amount of context of a search'),
      api_source,
    },
    query([...modelGroups, 'context_level', 'api_source'] as const, {
      ...filters,
      context_levels: optional(
        t.Array(oneOf('low', 'medium', 'high'), { maxItems: 10, description: 'Only of these.' }),
      ),
    }),
  ),
  costs: get('/organization/costs', {
    about: 'Costs by minute, hour or day, at the prices of the time of use.',
    can: 'api.usage.read',
    reach: 'filtered',
    query: query(
      ['project_id', 'user_id', 'line_item', 'api_key_id', 'api_source', 'estimated'] as const,
      {
        project_ids: filters.project_ids,
        user_ids: filters.user_ids,
        api_key_ids: filters.api_key_ids,
        line_items: among('of these line items, as the report names them'),
      },
      mostCostBuckets,
    ),
    returns: page('costs', {
      amount: optional(
        t.Object({ value: optional(t.Number({ description: 'Dollars.' })), currency: optional(oneOfOpen('usd')) }),
      ),
      quantity: optional(nullable(t.Number({ description: 'How much was used, where one unit fits; else null.' }))),
      quantity_unit: optional(
        nullable(
          oneOfOpen(
            'tokens',
            '1000_tokens',
            'duration_seconds',
            'duration_minutes',
            'duration_hours',
            'gibibyte_hours',
            'images',
            'characters',
          ),
        ),
      ),
      project_id: dimensions.project_id,
      user_id: dimensions.user_id,
      line_item: dimension('What was paid for'),
      api_key_id: dimensions.api_key_id,
      api_source,
      estimated: dimensions.estimated,
    }),
  }),
}
