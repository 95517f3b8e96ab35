/** Bodies that are changed are written to memory that later requests use again. */
import { describe, expect, test } from 'bun:test'
import { giveMemory, takeMemory } from '../../gateway/changed-json.ts'
import { JsonBody } from '../../gateway/model-body.ts'
import { scanJson, scanNames } from '../../gateway/scan-json.ts'

const names = scanNames(['max_tokens', 'stream'], [])

function bodyOf(value: object) {
  const bytes = new Uint8Array(Buffer.from(JSON.stringify(value)))
  return new JsonBody(bytes, scanJson(bytes, names))
}

const read = (body: JsonBody): unknown => JSON.parse(Buffer.from(body.content()).toString())

describe('a changed body', () => {
  test.each([0, 1_000, 16_300, 16_370, 16_384, 100_000])('of %p characters is as it was set', (length) => {
    const [messages, others] = ['m'.repeat(length), 'o'.repeat(length)]
    for (let n = 0; n < 3; n++) {
      const other = bodyOf({ messages: others })
      other.set('max_tokens', String(10 ** n))
      const body = bodyOf({ messages, stream: true })
      body.set('max_tokens', '"€"')
      expect(read(other)).toEqual({ messages: others, max_tokens: 10 ** n })
      body.set('stream', 'false')
      expect(read(body)).toEqual({ messages, stream: false, max_tokens: '€' })
      expect(read(other)).toEqual({ messages: others, max_tokens: 10 ** n })
      other.close()
      body.unset('max_tokens')
      expect(read(body)).toEqual({ messages, stream: false })
      body.close()
    }
  })

  test('has its memory to itself until it is closed, and gives it back once', () => {
    const one = bodyOf({})
    one.set('stream', 'true')
    const written = one.content()
    one.close()
    one.close()
    const [first, second] = [takeMemory(1), takeMemory(1)]
    expect(first.buffer).toBe(written.buffer)
    expect(second.buffer).not.toBe(first.buffer)
    for (const memory of [first, second]) giveMemory(memory)
  })
})

test.each([10, 2_000, 64_000, 1_000_000])(
  '`fetch` copies a body of %p bytes before it returns, so that its memory may be used again',
  async (length) => {
    const upstream = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async (request) => Response.json(Buffer.from(await request.bytes()).every((byte) => byte === 7)),
    })
    const memory = Buffer.alloc(length + 100, 7)
    const asked = fetch(upstream.url, { method: 'POST', body: memory.subarray(0, length) })
    memory.fill(9)
    expect(await (await asked).json()).toBe(true)
    await upstream.stop(true)
  },
)
