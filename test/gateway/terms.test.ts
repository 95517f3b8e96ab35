/** What is remembered for a key and a model ends with the configuration that it came from. */
import { expect, test } from 'bun:test'
import { startGateway, until } from './setup.ts'
import { startUpstream } from './upstream.ts'

test('a limit that changed in the file holds for a key that was used before', async () => {
  const upstream = startUpstream()
  const file = (requests: number) =>
    `upstreams: [{ name: near, base_url: "${upstream.url}", models: ["*"] }]\nmodels: [{ match: words, limits: { requests_per_minute: ${requests} } }]\n`
  const server = await startGateway('sqlite', file(100))
  const limit = async () => {
    const answer = await server.request('POST', '/chat/completions', { model: 'words', messages: [] })
    await answer.text()
    return answer.headers.get('x-ratelimit-limit-requests')
  }
  expect(await limit()).toBe('100')
  server.write(file(200))
  server.reload()
  await until(() => server.log().some(({ message }) => message === 'The upstreams were read again.'))
  expect(await limit()).toBe('200')
  await server.stop()
  await upstream.stop()
})
