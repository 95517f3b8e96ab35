import { expect, test } from 'bun:test'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { Upstreams } from '../../gateway/upstreams.ts'
import { realWorld } from '../../world/world.ts'
import { until } from './setup.ts'

test('an upstream whose model list hangs delays one request only, until it answers again', async () => {
  let hanging = 0
  let isWell = false
  const fetch = async (url: string, { signal }: BunFetchRequestInit = {}) => {
    if (url.startsWith('http://two/') || isWell) return Response.json({ data: [{ id: `at ${new URL(url).hostname}` }] })
    hanging++
    return new Promise<Response>((_, reject) =>
      signal!.addEventListener('abort', () => {
        hanging--
        reject(new Error('too late'))
      }),
    )
  }
  const [one, two] = ['http://one/v1', 'http://two/v1'].map((url) => singleUpstream(url, null).upstreams[0]!)
  const upstreams = new Upstreams({ upstreams: [one!, two!] }, { ...realWorld, fetch })
  const names = async () => (await upstreams.models()).map(({ id }) => id)
  expect(await names()).toEqual(['at two'])
  expect(hanging).toBe(0)
  await Bun.sleep(1_100)
  // Asked again, and not waited for.
  expect(await names()).toEqual(['at two'])
  expect(hanging).toBe(1)
  isWell = true
  await until(() => hanging === 0)
  await Bun.sleep(1_100)
  await names()
  await Bun.sleep(50)
  expect(await names()).toEqual(['at one', 'at two'])
  upstreams.stop()
}, 30_000)
