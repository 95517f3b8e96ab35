/** Which calls are metered, and how each reports its usage. */
import type { UsageKind } from '../../ledger/usage-counts.ts'
import { hasBody } from '../request-methods.ts'
import { namesOfText } from './answer-text.ts'
import { otherModels } from './caller-limits.ts'
import { sides } from './pairs.ts'

export interface Endpoint {
  kind: UsageKind
  /** What is counted beside tokens. */
  unit: 'image' | 'second' | 'character' | null
  /**
   * The members of the body that say how long the answer may be, and the one that is set where none
   * does. llama.cpp takes `n_predict` everywhere, before all others.
   */
  maxima: readonly string[]
  sets: string | null
  /** The member that is set instead for upstreams that refuse `sets`; null where there is none. */
  setsInstead: string | null
  /** Whether tokens of an answer can be paid for. */
  generates: boolean
  /**
   * The member that is the prompt, and whether it is a conversation; null where there is no text to
   * count.
   */
  prompt: { member: 'messages' | 'input' | 'prompt'; form: 'chat' | 'plain' } | null
  /** Where the text of an answer stands: in the events of a stream, and in a whole answer. */
  texts: readonly Buffer[]
  wholeTexts: readonly Buffer[]
  /** Whether `usage` of a stream must be asked for by `stream_options`. */
  asksForUsage: boolean
  /** Whether the answer is a response of the Responses API, or has one inside. */
  isResponses: boolean
  /** Whether the answer is a message of Anthropic's API. */
  isMessages: boolean
  /** For images: how they are made. */
  source?: string
  /** Whether two sides of texts are compared, of which the model reads each pair. */
  isPairs?: true
}

const plain = {
  unit: null,
  maxima: [],
  sets: null,
  setsInstead: null,
  generates: false,
  prompt: null,
  texts: [],
  wholeTexts: [],
  asksForUsage: false,
  isResponses: false,
  isMessages: false,
} as const

const chatTexts = namesOfText('content', 'reasoning', 'refusal', 'arguments')
const chat: Endpoint = {
  ...plain,
  kind: 'completions',
  maxima: ['max_completion_tokens', 'max_tokens', 'n_predict'],
  // Ollama and others ignore the newer member, and some models of OpenAI refuse the older one.
  sets: 'max_tokens',
  setsInstead: 'max_completion_tokens',
  generates: true,
  prompt: { member: 'messages', form: 'chat' },
  texts: chatTexts,
  wholeTexts: chatTexts,
  asksForUsage: true,
}
const completions: Endpoint = {
  ...chat,
  maxima: ['max_tokens', 'max_completion_tokens', 'n_predict'],
  sets: 'max_tokens',
  setsInstead: null,
  prompt: { member: 'prompt', form: 'plain' },
  texts: namesOfText('"text'),
  wholeTexts: namesOfText('"text'),
}
/** Of llama.cpp, outside `/v1`. Its answers do not say their usage as others do. */
const native: Endpoint = {
  ...completions,
  maxima: ['n_predict', 'max_completion_tokens', 'max_tokens'],
  sets: 'n_predict',
  texts: namesOfText('"content'),
  wholeTexts: namesOfText('"content'),
  asksForUsage: false,
}
const responses: Endpoint = {
  ...plain,
  kind: 'completions',
  maxima: ['max_output_tokens', 'n_predict'],
  sets: 'max_output_tokens',
  generates: true,
  prompt: { member: 'input', form: 'chat' },
  texts: namesOfText('"delta'),
  wholeTexts: namesOfText('"text', '"refusal', '"arguments'),
  isResponses: true,
}
const messages: Endpoint = {
  ...plain,
  kind: 'completions',
  maxima: ['max_tokens', 'n_predict'],
  sets: 'max_tokens',
  generates: true,
  prompt: { member: 'messages', form: 'chat' },
  texts: namesOfText('"text', '"thinking', '"partial_json'),
  wholeTexts: namesOfText('"text', '"thinking'),
  isMessages: true,
}
const input = { member: 'input', form: 'plain' } as const
const images = (source: string): Endpoint => ({ ...plain, kind: 'images', unit: 'image', generates: true, source })
export const transcriptions: Endpoint = { ...plain, kind: 'audio_transcriptions', unit: 'second', generates: true }
/** As responses, but a request cannot say how long its answer may be. */
const unbounded = { ...responses, maxima: [], sets: null }

/** The responses of a realtime session. */
export const realtime: Endpoint = { ...plain, kind: 'completions', generates: true, isResponses: true }

/** Of pooling models: no API has a report of its own for them. */
const embeddings: Endpoint = { ...plain, kind: 'embeddings', prompt: input }
const pairs: Endpoint = { ...plain, kind: 'embeddings', isPairs: true }

/** By the path below `/v1`, for requests with a body. */
const endpoints: Readonly<Record<string, Endpoint>> = {
  '/chat/completions': chat,
  '/completions': completions,
  '/responses': responses,
  '/messages': messages,
  '/completion': native,
  '/infill': { ...native, prompt: null },
  '/responses/compact': unbounded,
  '/decisions': { ...unbounded, kind: 'decisions' },
  '/embeddings': embeddings,
  '/embedding': { ...plain, kind: 'embeddings' },
  '/pooling': embeddings,
  '/classify': embeddings,
  '/rerank': pairs,
  '/reranking': pairs,
  // Where `paths:` names it.
  '/v2/rerank': pairs,
  '/score': pairs,
  '/moderations': { ...plain, kind: 'moderations', prompt: input },
  '/images/generations': images('image.generation'),
  '/images/edits': images('image.edit'),
  '/images/variations': images('image.variation'),
  // Some models are paid by the tokens of the speech.
  '/audio/speech': { ...plain, kind: 'audio_speeches', unit: 'character', generates: true },
  '/audio/transcriptions': transcriptions,
  '/audio/translations': transcriptions,
}

/** Null for calls that use no model by themselves, such as files. */
export const endpointOf = (method: string, path: string | null): Endpoint | null =>
  (hasBody(method) && path !== null && Object.hasOwn(endpoints, path) && endpoints[path]) || null

/** Of the top level of a JSON body, what metering reads. */
export const members = [
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'n_predict',
  'n',
  'best_of',
  'n_cmpl',
  'service_tier',
  'background',
  'prediction',
  'tools',
  'instructions',
  'system',
  'previous_response_id',
  'conversation',
  'prompt',
  'prompt_embeds',
  'input',
  'messages',
  'input_file_id',
  'endpoint',
  'size',
  'quality',
  ...sides.flat(),
  ...otherModels,
] as const

/** The same of a form. */
export const fields = ['stream', 'n', 'size', 'quality', 'service_tier'] as const

/** If one of these is in the body, the length of the body does not bound its tokens. */
export const nested = [
  'image_url',
  'input_image',
  'image_file',
  'input_audio',
  'input_file',
  'file',
  'file_id',
  'file_url',
  'file_data',
  // Of vLLM, Mistral and llama.cpp.
  'video_url',
  'audio_url',
  'document_url',
  'image_embeds',
  'audio_embeds',
  'multimodal_data',
  'chat_template',
  // In a message of the assistant: the speech of an earlier answer.
  'audio',
] as const
