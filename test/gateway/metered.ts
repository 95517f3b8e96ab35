/** A server in process whose model requests a test answers, and the reports of what was used. */
import OpenAI from 'openai'
import { modelSettings, type ModelInFile } from '../../gateway/model-config.ts'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { startServer, type EngineName, type TestServer } from '../setup.ts'

/** A request as the upstream gets it. */
export interface Received {
  method: string
  /** Below `/v1`. */
  path: string
  /** Of a JSON body. */
  body: Record<string, unknown>
  /** The body as it came; empty for a form. */
  text: string
  headers: Record<string, string>
  signal: AbortSignal | null
}

export type Answer = (request: Received) => Response | Promise<Response>

export interface MeteredServer extends TestServer {
  /** Every request but those for `/models`, oldest first. */
  received: Received[]
  /** How the upstream answers from now on. */
  answerWith: (answer: Answer) => void
  /** The official SDK with a service account's key. */
  sdk: OpenAI
  key: string
  /** A model request. */
  call: (method: string, path: string, body?: unknown, init?: RequestInit) => Promise<Response>
  /** The same, and its answer is read to its end. */
  finish: (...call: Parameters<MeteredServer['call']>) => Promise<{ status: number; text: string; headers: Headers }>
  /** The only result of a report of today, for one model; undefined without any. */
  used: (report: string, model: string, groups?: string[]) => Promise<Record<string, unknown> | undefined>
  /** Waits until the report has something for the model. */
  counted: (report: string, model: string, groups?: string[]) => Promise<Record<string, unknown>>
  /** The samples of /metrics by name with labels. */
  samples: () => Promise<Record<string, number>>
}

type Options = Omit<NonNullable<Parameters<typeof startServer>[1]>, 'models' | 'upstreams' | 'send'>

export async function startMetered(
  engine: EngineName,
  models: ModelInFile[] = [],
  options: Options & { upstreams?: string[] } = {},
): Promise<MeteredServer> {
  const received: Received[] = []
  let answer: Answer = () => Response.json({})
  const { upstreams: names = ['one'], ...more } = options
  const [base] = singleUpstream('http://one.test/v1', null).upstreams
  const server = await startServer(engine, {
    ...more,
    models: models.map(modelSettings),
    upstreams: names.map((name) => ({ ...base!, name, base_url: `http://${name}.test/v1`, models: ['*'] })),
    async send(url, init) {
      const { pathname } = new URL(url)
      if (pathname === '/v1/models') return Response.json({ data: [] })
      const one = await receivedFrom(pathname, init)
      received.push(one)
      return abortable(answer, one)
    },
  })
  const account = await server.client.admin.organization.projects.serviceAccounts.create(server.project_id, {
    name: 'robot',
  })
  const key = account.api_key!.value
  const call: MeteredServer['call'] = (method, path, body, init = {}) =>
    server.fetch(
      new Request(`http://keyhall.test/v1${path}`, {
        method,
        ...init,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body !== undefined && !(body instanceof FormData) && { 'content-type': 'application/json' }),
          ...(init.headers as Record<string, string>),
        },
        ...(body !== undefined && {
          body: typeof body === 'string' || body instanceof FormData ? body : JSON.stringify(body),
        }),
      }),
    )
  const used: MeteredServer['used'] = async (report, model, groups = ['model']) => {
    const start = Math.floor(server.world.now() / 86_400_000) * 86_400
    const query = [`start_time=${start}`, 'bucket_width=1d', ...groups.map((group) => `group_by[]=${group}`)].join('&')
    const answer = await server.request('GET', `/organization/usage/${report}?${query}`)
    const { data } = (await answer.json()) as { data: { results: Record<string, unknown>[] }[] }
    return data.at(-1)!.results.find((result) => result.model === model)
  }
  return Object.assign(server, {
    received,
    answerWith: (next: Answer) => void (answer = next),
    key,
    sdk: new OpenAI({
      apiKey: key,
      baseURL: 'http://keyhall.test/v1',
      maxRetries: 0,
      fetch: async (url, init) => server.fetch(new Request(url, init)),
    }),
    call,
    async finish(...given: Parameters<MeteredServer['call']>) {
      const answer = await call(...given)
      const text = await answer.text()
      return { status: answer.status, text, headers: answer.headers }
    },
    used,
    async counted(report: string, model: string, groups?: string[]) {
      let found: Record<string, unknown> | undefined
      await eventually(async () => {
        await server.now.writeUsage()
        return (found = await used(report, model, groups)) !== undefined
      })
      return found!
    },
    async samples() {
      const text = await (await server.metrics()).text()
      const lines = text.split('\n').filter((line) => line && !line.startsWith('#'))
      return Object.fromEntries(
        lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
      )
    },
  })
}

/** As `fetch` does, which ends when its signal says so. */
async function abortable(answer: Answer, received: Received): Promise<Response> {
  const { signal } = received
  const aborted = new Promise<never>((_, reject) =>
    signal?.addEventListener('abort', () => reject(signal.reason as Error)),
  )
  aborted.catch(() => {})
  const response = await Promise.race([answer(received), aborted])
  const { status, headers, body } = response
  if (!body || !signal) return response
  return new Response(body.pipeThrough(new TransformStream(), { signal }), { status, headers })
}

/** Usage is written within a second; a busy machine may need longer. */
export async function eventually(holds: () => Promise<boolean>) {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return
    await Bun.sleep(25)
  }
  throw new Error('it never came')
}

async function receivedFrom(pathname: string, init: RequestInit = {}): Promise<Received> {
  const { method = 'GET', body, headers, signal = null } = init
  const text = body ? await new Response(body).text() : ''
  return {
    method,
    path: pathname.slice('/v1'.length),
    body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
    text,
    headers: headers as Record<string, string>,
    signal,
  }
}

/** Server-sent events, each value in one; text goes as it is. */
export const events = (...values: unknown[]) =>
  values.map((value) => (typeof value === 'string' ? value : `data: ${JSON.stringify(value)}\n\n`)).join('')

/** A stream that comes in these pieces, and then ends or breaks. */
export function streamOf(pieces: readonly (string | Uint8Array)[], end: 'closes' | 'breaks' | 'hangs' = 'closes') {
  const left = [...pieces]
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = left.shift()
        if (piece !== undefined) controller.enqueue(Buffer.from(piece))
        else if (end === 'closes') controller.close()
        else if (end === 'breaks') controller.error(new Error('broken'))
        else return new Promise<void>(() => {})
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

export const delta = (content: string) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
})
