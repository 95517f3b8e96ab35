/** A server with some models, and Anthropic's own SDK with a key of it, for the tests. */
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { expect } from 'bun:test'
import type { EngineName } from '../setup.ts'
import { startMetered } from './metered.ts'

export async function startForAnthropic(engine: EngineName) {
  const server = await startMetered(engine, [
    { match: 'priced-*', prices: [{ input: 1000, output: 2000 }], max_output_tokens: 100 },
    { match: 'two-a-day', limits: { requests_per_day: 2 } },
  ])
  const clientWith = (credentials: { apiKey?: string | null; authToken?: string | null }) =>
    new Anthropic({
      apiKey: null,
      authToken: null,
      ...credentials,
      baseURL: 'http://keyhall.test',
      maxRetries: 0,
      fetch: async (url, init) => server.fetch(new Request(url as string, init as RequestInit)),
    })
  /** The error of a call that nothing was forwarded for. */
  async function refusal(call: Promise<unknown>): Promise<APIError> {
    const before = server.received.length
    const error = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(APIError)
    expect(server.received).toHaveLength(before)
    return error as APIError
  }
  const { projects } = server.client.admin.organization
  return Object.assign(server, { anthropic: clientWith({ apiKey: server.key }), clientWith, refusal, projects })
}

export type AnthropicServer = Awaited<ReturnType<typeof startForAnthropic>>
