/**
 * Where our OpenAPI document may differ from OpenAI's, and why. `docs/divergences.md` prints this
 * table; a row that is no longer true fails.
 */
export interface AcceptedDifference {
  /** As in the contract's tree; `*` stands for any text. */
  operation: string
  /** A query parameter, a member of the body or of the result; `*` stands for any text. */
  where: string
  /** `*` stands for any text. */
  what: string
  why: string
}

const inWords = 'Their document says so in words only.'
const name = 'A name needs a length that every engine and screen can hold.'
const allAtOnce = 'Nothing is said there; one page then has them all, as in the list of roles.'
const oldestFirst = 'Nothing is said there; as in the list of roles.'
const bound = 'Every text and list in a request has a bound.'
const roleNames = 'Their document says so in words only; other names would mean nothing.'
const address = 'Keyhall takes nothing for an address that no mail server would.'
const bounded = 'Every list in a request has a bound.'
const exact = 'Beyond this, JSON readers do not keep a number exactly.'
const newer = 'In the official SDK 7.57; their document is older.'
const ourScopes = 'Keyhall restricts keys by scope and shows it.'
const time = 'The years from 1970 to 9999.'
const rate = 'Rates are whole numbers of 31 bits; the greatest stands for no limit.'
const money = 'Spend is counted in nano-dollars, which must stay exact.'
const ownReport = 'Their document gives every report the members of all reports; ours has its own.'
const oneObject = 'Their document has one schema for all forms of a certificate; ours has one for each.'
const manyProjects = 'Among many projects one must be found.'
const groups = 'In the official SDK 7.57, but for `estimated`, which is ours.'
const estimates = 'Keyhall says what it counted by itself, because no upstream reported it.'
const notKept = 'Optional there, and Keyhall knows nothing that it could say.'

export const accepted: readonly AcceptedDifference[] = [
  { operation: '*.list', where: 'query limit', what: 'minimum: ours 1, theirs none', why: inWords },
  { operation: '*.list', where: 'query limit', what: 'maximum: ours 100, theirs none', why: inWords },
  { operation: '*.roles.list', where: 'query limit', what: 'default: ours 1000, theirs none', why: allAtOnce },
  { operation: '*.roles.list', where: 'query order', what: 'default: ours asc, theirs none', why: oldestFirst },
  { operation: '*', where: 'body *name', what: 'minLength: ours 1, theirs none', why: name },
  { operation: '*', where: 'body *', what: 'maxLength: ours 255, theirs none', why: bound },

  { operation: 'adminAPIKeys.*', where: 'result *scopes', what: 'only ours', why: ourScopes },
  { operation: 'projects.apiKeys.*', where: 'result scopes', what: 'only ours', why: ourScopes },
  { operation: 'adminAPIKeys.create', where: 'body scopes', what: 'only ours', why: ourScopes },

  { operation: 'invites.create', where: 'body email', what: 'minLength: ours 3, theirs none', why: address },
  { operation: 'invites.create', where: 'body email', what: 'maxLength: ours 254, theirs none', why: address },
  {
    operation: 'invites.create',
    where: 'body role',
    what: 'values: only ours member',
    why: 'Somebody without a role in the organization. Their texts still use the word for `reader`.',
  },
  { operation: 'invites.create', where: 'body projects', what: 'maxItems: ours 100, theirs none', why: bounded },

  { operation: 'auditLogs.list', where: 'query *', what: 'maxItems: ours 100, theirs none', why: bounded },
  {
    operation: 'auditLogs.list',
    where: 'query effective_at.*',
    what: 'minimum: ours -9007199254740991, theirs none',
    why: exact,
  },
  {
    operation: 'auditLogs.list',
    where: 'query effective_at.*',
    what: 'maximum: ours 9007199254740991, theirs none',
    why: exact,
  },
  {
    operation: 'auditLogs.list',
    where: '*type*',
    what: 'values: only ours external_storage.registered, external_storage.removed, tenant.trusted_access.application.submitted, tenant.trusted_access.business_verification.started',
    why: newer,
  },
  {
    operation: 'auditLogs.list',
    where: 'result data[].object',
    what: 'only ours',
    why: 'The service sends it; their document lacks it.',
  },
  {
    operation: 'auditLogs.list',
    where: 'result data[].actor.*',
    what: 'only ours',
    why: 'An auditor asks from where a change was made, and with what; they say it of sessions only.',
  },
  {
    operation: 'auditLogs.list',
    where: 'result data[].api_key.updated.changes_requested.expires_in_seconds',
    what: 'only ours',
    why: newer,
  },
  {
    operation: 'auditLogs.list',
    where: 'result data[].login.succeeded.*',
    what: 'only ours',
    why: 'Their document gives no type to it; an auditor asks which session began, and how.',
  },
  {
    operation: 'auditLogs.list',
    where: 'result data[].logout.succeeded.*',
    what: 'only ours',
    why: 'Their document gives no type to it; an auditor asks which session ended.',
  },
  {
    operation: 'auditLogs.list',
    where: 'result data[].project.deleted',
    what: 'only theirs',
    why: 'Projects are archived, never deleted.',
  },
  {
    operation: 'auditLogs.list',
    where: 'result data[].role.updated.changes_requested.metadata',
    what: 'only theirs',
    why: notKept,
  },

  {
    operation: 'users.list',
    where: 'query emails',
    what: 'maxItems: ours 100, theirs none',
    why: 'A page has at most 100 people; a longer list of addresses asks for more than one page.',
  },
  {
    operation: 'users.update',
    where: 'body role',
    what: 'values: ours member, owner, reader, theirs any',
    why: roleNames,
  },
  { operation: 'users.update', where: 'body technical_level', what: 'minLength: ours 1, theirs none', why: bound },
  { operation: 'users.update', where: 'body developer_persona', what: 'minLength: ours 1, theirs none', why: bound },
  { operation: 'projects.users.create', where: 'body email', what: 'maxLength: ours 254, theirs none', why: bound },
  {
    operation: 'projects.users.*',
    where: 'body role',
    what: 'values: ours member, owner, viewer, theirs any',
    why: roleNames,
  },
  { operation: '*roles.*', where: 'body permissions', what: 'maxItems: ours 500, theirs none', why: bound },
  { operation: '*roles.*', where: 'body description', what: 'maxLength: ours 1000, theirs none', why: bound },

  { operation: '*users.*', where: 'result *is_default', what: 'only theirs', why: notKept },
  { operation: '*users.*', where: 'result *created', what: 'only theirs', why: notKept },
  { operation: '*users.*', where: 'result *user', what: 'only theirs', why: notKept },
  { operation: '*users.*', where: 'result *is_scale_tier_authorized_purchaser', what: 'only theirs', why: notKept },
  {
    operation: '*users.*',
    where: 'result *projects',
    what: 'only theirs',
    why: 'Optional there, and no parameter asks for it.',
  },

  { operation: 'projects.list', where: 'query ids', what: 'only ours', why: manyProjects },
  { operation: 'projects.list', where: 'query name', what: 'only ours', why: manyProjects },
  {
    operation: 'projects.*',
    where: 'body geography',
    what: 'only ours',
    why: 'The older form of `residency`, which SDKs still send.',
  },
  {
    operation: 'projects.*',
    where: 'result *geography',
    what: 'only ours',
    why: 'The older form of `residency`, which clients still read.',
  },
  {
    operation: 'projects.*',
    where: '*residency',
    what: 'values: only ours AU_STORAGE_PROCESSING, IN_STORAGE_PROCESSING, JP_STORAGE_PROCESSING',
    why: newer,
  },

  { operation: 'projects.apiKeys.update', where: 'operation', what: 'only ours', why: newer },
  { operation: 'projects.serviceTierSettings.*', where: 'operation', what: 'only ours', why: newer },
  { operation: 'externalKeys.*', where: 'operation', what: 'only ours', why: newer },
  { operation: 'externalStorage.*', where: 'operation', what: 'only ours', why: newer },
  { operation: 'workloadIdentityProviders.*', where: 'operation', what: 'only ours', why: newer },
  { operation: 'projects.*', where: 'result *expires_at', what: 'only ours', why: newer },
  { operation: 'projects.serviceAccounts.*', where: 'body expires_in_seconds', what: 'only ours', why: newer },
  {
    operation: 'projects.serviceAccounts.apiKeys.create',
    where: 'body scopes',
    what: 'maxItems: ours 100, theirs none',
    why: bound,
  },

  { operation: 'certificates.create', where: 'body certificate', what: 'minLength: ours 1, theirs none', why: bound },
  {
    operation: 'certificates.create',
    where: 'body certificate',
    what: 'maxLength: ours 16000, theirs none',
    why: 'Less than 16 kB, as their help says.',
  },
  { operation: 'certificates.retrieve', where: 'query include', what: 'maxItems: ours 10, theirs none', why: bounded },
  { operation: 'certificates.*', where: 'result object', what: 'values: only theirs *', why: oneObject },
  { operation: 'certificates.*', where: 'result active', what: 'only theirs', why: oneObject },
  { operation: 'usage.*', where: 'query *_time', what: 'minimum: ours 0, theirs none', why: time },
  { operation: 'usage.*', where: 'query *_time', what: 'maximum: ours 253402300799, theirs none', why: time },
  { operation: 'usage.*', where: 'query limit', what: 'minimum: ours 1, theirs none', why: inWords },
  { operation: 'usage.*', where: 'query limit', what: 'maximum: ours 1440, theirs none', why: inWords },
  {
    operation: 'usage.costs',
    where: 'query bucket_width',
    what: 'values: only ours 1h, 1m',
    why: 'Costs of a minute and an hour are known as well as those of a day.',
  },
  {
    operation: 'usage.costs',
    where: 'query limit',
    what: 'default: ours none, theirs 7',
    why: 'Seven days here too; hours and minutes have defaults of their own.',
  },
  {
    operation: 'usage.costs',
    where: 'query user_ids',
    what: 'only ours',
    why: 'As in the reports of usage: what one person has spent.',
  },
  { operation: 'usage.*', where: 'query *', what: 'maxItems: ours *, theirs none', why: bounded },
  { operation: 'usage.*', where: 'query group_by[]', what: 'values: only ours api_source, estimated*', why: groups },
  { operation: 'usage.*', where: 'query group_by[]', what: 'values: only ours estimated', why: estimates },
  { operation: 'usage.*', where: 'result data[].results[].estimated', what: 'only ours', why: estimates },
  { operation: 'usage.costs', where: 'query line_items', what: 'only ours', why: newer },
  { operation: 'usage.decisions', where: 'operation', what: 'only ours', why: newer },
  { operation: 'usage.*', where: 'result data[].results[].api_source', what: 'only ours', why: newer },
  {
    operation: 'usage.completions',
    where: 'result data[].results[].input_cache_write_*_tokens',
    what: 'only ours',
    why: newer,
  },
  { operation: 'usage.*', where: 'result data[].results[].*', what: 'only theirs', why: ownReport },
  { operation: 'usage.*', where: 'result data[].results[].object', what: 'values: only theirs *', why: ownReport },

  { operation: 'projects.rateLimits.*', where: '*', what: 'minimum: ours 0, theirs none', why: rate },
  { operation: 'projects.rateLimits.*', where: '*', what: 'maximum: ours 2147483647, theirs none', why: rate },
  {
    operation: 'projects.rateLimits.listRateLimits',
    where: 'query limit',
    what: 'minimum: ours 1, theirs none',
    why: inWords,
  },
  {
    operation: 'projects.rateLimits.listRateLimits',
    where: 'query limit',
    what: 'maximum: ours 1000, theirs none',
    why: bound,
  },
  {
    operation: 'projects.modelPermissions.update',
    where: 'body model_ids',
    what: 'maxItems: ours 1000, theirs none',
    why: bounded,
  },
  {
    operation: 'projects.modelPermissions.update',
    where: 'body model_ids[]',
    what: 'minLength: ours 1, theirs none',
    why: 'No model has an empty name.',
  },
  {
    operation: '*spend*.update',
    where: 'body threshold_amount',
    what: 'maximum: ours 900000000, theirs none',
    why: money,
  },
  {
    operation: '*spendAlerts.create',
    where: 'body threshold_amount',
    what: 'maximum: ours 900000000, theirs none',
    why: money,
  },
  {
    operation: '*spendAlerts.list',
    where: 'query limit',
    what: 'default: ours 20, theirs none',
    why: 'Nothing is said there; as in the lists of projects and people.',
  },
  {
    operation: '*spendAlerts.*',
    where: 'body notification_channel.recipients',
    what: 'minItems: ours 1, theirs none',
    why: 'An alert to nobody alerts nobody.',
  },
  {
    operation: '*spendAlerts.*',
    where: 'body notification_channel.recipients',
    what: 'maxItems: ours 100, theirs none',
    why: bounded,
  },
  {
    operation: '*spendAlerts.*',
    where: 'body notification_channel.recipients[]',
    what: 'm*Length: ours *, theirs none',
    why: address,
  },
]
