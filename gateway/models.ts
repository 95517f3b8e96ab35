/** Asks an upstream for its models, at its `/models`. */
import type { World } from '../world/world.ts'
import type { UpstreamConfig } from './upstream-config.ts'

const WITHIN_MILLISECONDS = 5_000
const LARGEST = 4 * 1024 * 1024

/** A model as OpenAI describes it, with whatever more the upstream says of it. */
export interface Model {
  id: string
  object: string
  created: number
  owned_by: string
}

/** `route` is the upstream's. Null when it did not answer with a list. Never throws. */
export async function askModels(
  { fetch }: World,
  { base_url, api_key }: UpstreamConfig,
  route: { proxy?: false },
): Promise<Map<string, Model> | null> {
  try {
    const response = await fetch(`${base_url}/models`, {
      headers: {
        accept: 'application/json',
        'user-agent': 'keyhall',
        ...(api_key && { authorization: `Bearer ${api_key.reveal()}` }),
      },
      redirect: 'manual',
      signal: AbortSignal.timeout(WITHIN_MILLISECONDS),
      ...route,
    })
    const text = response.ok ? await readText(response) : (await response.body?.cancel(), '')
    const { data } = JSON.parse(text || '{}') as { data?: Partial<Model>[] }
    if (!Array.isArray(data)) return null
    const models = data.filter((model) => typeof model?.id === 'string' && model.id !== '')
    return new Map(models.map((model) => [model.id!, { object: 'model', created: 0, owned_by: '', ...model } as Model]))
  } catch {
    return null
  }
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > LARGEST) throw new Error('too long')
  }
  return text
}
