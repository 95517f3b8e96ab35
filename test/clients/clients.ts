/** A gateway in front of a model server, as real clients find it. */
import { startGateway, type GatewayServer } from '../gateway/setup.ts'
import { startModelServer } from './model-server.ts'

export interface ClientsServer extends GatewayServer {
  /** With `/v1`. */
  baseURL: string
  /** What the model server was asked since the last question. */
  asked: () => string[]
  /** Waits until the reports of today say this of all that was used; then it is forgotten. */
  used: (
    report: 'completions' | 'embeddings',
    wanted: { requests: number; input: number; output?: number },
  ) => Promise<void>
}

const LONGEST_WAIT_MILLISECONDS = 30_000

export async function startForClients(): Promise<ClientsServer> {
  const models = startModelServer()
  const server = await startGateway('sqlite', null, { KEYHALL_UPSTREAM: models.url })
  const { stop } = server
  const seen = { completions: counts(0, 0, 0), embeddings: counts(0, 0, 0) }
  const read = async (report: 'completions' | 'embeddings') => {
    const start_time = Math.floor(Date.now() / 86_400_000) * 86_400
    const page = await server.admin.admin.organization.usage[report]({ start_time, bucket_width: '1d' })
    const results = page.data.flatMap(({ results }) => results) as unknown as Record<string, number>[]
    const sum = (name: string) => results.reduce((all, result) => all + (result[name] ?? 0), 0)
    return counts(sum('num_model_requests'), sum('input_tokens'), sum('output_tokens'))
  }
  return Object.assign(server, {
    baseURL: `${server.urls.gateway}/v1`,
    asked: () => models.paths.splice(0),
    async used(report: 'completions' | 'embeddings', wanted: { requests: number; input: number; output?: number }) {
      const before = seen[report]
      const until = Date.now() + LONGEST_WAIT_MILLISECONDS
      for (;;) {
        const now = await read(report)
        const more = counts(now.requests - before.requests, now.input - before.input, now.output - before.output)
        if (Bun.deepEquals(more, { output: 0, ...wanted })) return void (seen[report] = now)
        if (Date.now() > until) throw new Error(`used ${JSON.stringify(more)}, not ${JSON.stringify(wanted)}`)
        await Bun.sleep(50)
      }
    },
    async stop() {
      await stop()
      await models.stop()
    },
  })
}

const counts = (requests: number, input: number, output: number) => ({ requests, input, output })
