/**
 * Every operation of the official SDK's administration, found by walking its objects and watching
 * what they send.
 */
import OpenAI from 'openai'

export interface Official {
  method: string
  /** With the names of the parameters in braces, as the contract writes paths. */
  path: string
  /** What the first argument is called, if it is a path parameter. */
  first: string | undefined
}

/** From the name in the tree, `projects.apiKeys.list`, to what is sent. */
export async function officialOperations(): Promise<Map<string, Official>> {
  const sent: Pick<Official, 'method' | 'path'>[] = []
  const client = new OpenAI({
    adminAPIKey: 'unused',
    apiKey: 'unused',
    baseURL: 'http://openai.test/v1',
    maxRetries: 0,
    fetch: async (url, init) => {
      const path = decodeURIComponent(new URL(new Request(url).url).pathname).replace(/^\/v1/, '')
      sent.push({ method: init?.method?.toUpperCase() ?? 'GET', path })
      return Response.json({ data: [] })
    },
  })
  const found = new Map<string, Official>()
  for (const { name, resource, method } of methodsIn(client.admin.organization as unknown as Resource, [])) {
    const first = firstParameter(resource[method]!)
    await resource[method]!(...argumentsFor(first))
    const [request] = sent.splice(0)
    if (!request) throw new Error(`The SDK sent nothing for ${name}`)
    found.set(name, { ...request, first })
  }
  return found
}

type Resource = Record<string, (...args: unknown[]) => Promise<unknown>>

/** A resource's methods are on its prototype, its sub-resources are its own properties. */
function methodsIn(resource: Resource, place: string[]): { name: string; resource: Resource; method: string }[] {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(resource)).filter((name) => name !== 'constructor')
  const inside = Object.entries(resource).filter(([name, value]) => !name.startsWith('_') && typeof value === 'object')
  return [
    ...methods.map((method) => ({ name: [...place, method].join('.'), resource, method })),
    ...inside.flatMap(([name, value]) => methodsIn(value as unknown as Resource, [...place, name])),
  ]
}

/**
 * The SDK calls the first argument `apiKeyID` if it is the path parameter `api_key_id`, and
 * otherwise `query`, `body` or `options`.
 */
function firstParameter(method: Function): string | undefined {
  const [name = ''] = /\(([^)]*)\)/.exec(String(method))![1]!.split(/[,=\s]/)
  return name.endsWith('ID')
    ? name.replace(/ID$/, '_id').replace(/[A-Z]+/g, (letters) => `_${letters.toLowerCase()}`)
    : undefined
}

/** Arguments that show in the path which parameter they are. */
function argumentsFor(first: string | undefined): unknown[] {
  const named = (name: string | symbol) => (String(name).endsWith('_id') ? `{${String(name)}}` : undefined)
  const params = new Proxy({}, { get: (_, name) => named(name) })
  return first ? [`{${first}}`, params] : [params]
}
