/** The client against a test server, in process; and against answers made up for one test. */
import { Keyhall, type ClientOptions } from '../../client/index.ts'
import type { TestServer } from '../setup.ts'

export const clientOf = (server: TestServer, options: ClientOptions = {}) =>
  new Keyhall({
    adminAPIKey: server.admin_key,
    baseURL: 'http://keyhall.test/v1',
    maxRetries: 0,
    fetch: (url, init) => server.fetch(new Request(url, init)),
    ...options,
  })

export interface Sent {
  url: string
  init: RequestInit
}

type Reply = Response | ((sent: Sent) => Response | Promise<Response>)

/** A client whose requests are answered by the replies, in turn; what it sends is kept. */
export function scripted(replies: Reply[], options: ClientOptions = {}) {
  const sent: Sent[] = []
  const client = new Keyhall({
    adminAPIKey: 'sk-admin-of-a-test',
    baseURL: 'http://keyhall.test/v1',
    fetch: async (url, init) => {
      sent.push({ url, init })
      const reply = replies[Math.min(sent.length, replies.length) - 1]!
      return typeof reply === 'function' ? reply({ url, init }) : reply
    },
    ...options,
  })
  return { client, sent }
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })

/** What a promise was rejected with. */
export const failure = async (call: PromiseLike<unknown>): Promise<any> => {
  try {
    await call
  } catch (error) {
    return error
  }
  throw new Error('It was not rejected.')
}
