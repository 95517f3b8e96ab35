/**
 * Requests whose key is deleted after their head and before the end of their body: how many reach
 * the model server.
 */
import { connect } from 'node:net'
import { startGateway } from '../../test/gateway/setup.ts'
import { startUpstream } from '../../test/gateway/upstream.ts'

const REQUESTS = 40
const ARRIVES_WITHIN_MILLISECONDS = 500

const upstream = startUpstream()
const server = await startGateway('sqlite', `upstreams: [{ name: near, base_url: "${upstream.url}" }]`)
const { serviceAccounts } = server.admin.admin.organization.projects

const field = (name: string, value: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const kinds = [
  { path: '/v1/chat/completions', type: 'application/json', body: '{"model":"tiny","messages":[]}' },
  { path: '/v1/files', type: 'multipart/form-data; boundary=b', body: `${field('model', 'tiny')}--b--\r\n` },
]

/** Sends all but the end of the body, and answers how to send that and what comes back. */
function begin(key: string, { path, type, body }: (typeof kinds)[number]) {
  const socket = connect(server.port, '127.0.0.1')
  const { promise: answered, resolve } = Promise.withResolvers<number>()
  socket.once('data', (piece) => resolve(Number(piece.toString('latin1').slice(9, 12))))
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 12)}`,
  )
  return { answered, finish: () => socket.write(body.slice(12)), close: () => socket.destroy() }
}

const banked = await Promise.all(
  Array.from({ length: REQUESTS }, async (_, n) => {
    const { id, api_key } = await serviceAccounts.create(server.project_id, { name: `robot ${n}` })
    return { account_id: id, ...begin(api_key!.value, kinds[n % kinds.length]!) }
  }),
)
await Bun.sleep(ARRIVES_WITHIN_MILLISECONDS)
for (const { account_id } of banked) await serviceAccounts.delete(account_id, { project_id: server.project_id })
for (const { finish } of banked) finish()
const statuses = await Promise.all(banked.map(({ answered }) => answered))
for (const { close } of banked) close()
const forwarded = upstream.sent.length
const refused = statuses.filter((status) => status === 401).length
await server.stop()
await upstream.stop()
const figure = `${REQUESTS} requests (JSON and forms) whose key was deleted meanwhile: ${forwarded} forwarded, ${refused} answered with 401`
console.log(JSON.stringify({ holds: forwarded === 0 && refused === REQUESTS, figure }))
process.exit(0)
