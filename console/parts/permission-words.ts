/** What each permission opens, in words. The server says which permissions there are. */

/** Names of OpenAI's that no operation asks for. */
const unused = new Set([
  'api.groups.read',
  'api.groups.write',
  'api.organization.projects.api_keys.read',
  'api.organization.projects.api_keys.write',
])

const words: Record<string, string> = {
  'api.management.read': 'See people, groups, roles, keys and settings',
  'api.management.write': 'Change people, groups, roles, keys and settings',
  'api.usage.read': 'See usage and spend',
  'api.model.read': 'List models',
  'api.model.request': 'Call models: chat, embeddings, images, audio, and what stands in no other row',
  'api.responses.read': 'Read responses and conversations',
  'api.responses.write': 'Make and delete responses and conversations',
  'api.assistants.read': 'Read assistants',
  'api.assistants.write': 'Make and change assistants',
  'api.threads.read': 'Read threads',
  'api.threads.write': 'Make and change threads',
  'api.files.read': 'Read files, uploads and containers',
  'api.files.write': 'Upload and delete files and containers',
  'api.vector_stores.read': 'Read and search vector stores',
  'api.vector_stores.write': 'Make and change vector stores',
  'api.fine_tuning.jobs.read': 'See fine-tuning jobs',
  'api.fine_tuning.jobs.write': 'Start and cancel fine-tuning jobs',
  'api.batch.read': 'See batches',
  'api.batch.write': 'Start and cancel batches',
  'api.evals.read': 'See evals',
  'api.evals.write': 'Make and change evals',
  'api.videos.read': 'See videos',
  'api.videos.write': 'Make and delete videos',
}

/** Undefined for a permission that the console does not know. */
export const wordsOf = (permission: string): string | undefined => words[permission]

/** What else there is to say of it; empty for most. */
export const remarkOn = (permission: string): string =>
  unused.has(permission) ? 'Keyhall never asks for it; the name is OpenAI’s.' : ''

/** Whether keys of projects can have it. What people may do in the administration, they cannot. */
export const isOfKeys = (permission: string) => !/^api\.(management|usage|groups|organization)\./.test(permission)
