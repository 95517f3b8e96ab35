/**
 * Bodies of administration calls that do not end: their time has a limit, and those without a key
 * share little memory.
 */
import { afterEach, expect, jest, test } from 'bun:test'
import { onBothEngines, type TestServer } from '../setup.ts'

const KEYLESS_BYTES = 8 * 1024 * 1024
const SENT = 4 * 1024

afterEach(() => {
  jest.useRealTimers()
})

/** Sends some of a body and keeps it open. `isRead` says that what was sent is being read. */
function begin({ fetch, admin_key }: TestServer, path: string, bytes: number, hasKey: boolean) {
  let end!: () => void
  const { promise: isRead, resolve: onRead } = Promise.withResolvers<void>()
  const body = new ReadableStream<Uint8Array>({
    start(stream) {
      stream.enqueue(new Uint8Array(bytes).fill(0x20))
      end = () => stream.close()
    },
    // Asked for more only when the first piece was taken.
    pull: () => onRead(),
  })
  const headers = hasKey ? { authorization: `Bearer ${admin_key}` } : undefined
  return { answer: fetch(new Request(`http://keyhall.test/v1${path}`, { method: 'POST', headers, body })), end, isRead }
}

onBothEngines('a body that does not end', (server) => {
  test('is refused with 408 after a minute', async () => {
    const later = setImmediate
    jest.useFakeTimers()
    const { answer, isRead } = begin(server(), '/organization/projects', 10, true)
    let answered: number | null = null
    void answer.then(({ status }) => (answered = status))
    // Before the time jumps: it would also be the time limit of the query that finds the key.
    await isRead
    jest.advanceTimersByTime(59_999)
    for (let n = 0; n < 50; n++) await new Promise((resolve) => later(resolve))
    expect(answered).toBeNull()
    jest.advanceTimersByTime(1)
    expect((await answer).status).toBe(408)
  })

  test('shares 8 MiB with all others without a key, and is refused with 429 over that', async () => {
    const path = '/organization/invites/accept'
    const held = Array.from({ length: KEYLESS_BYTES / SENT }, () => begin(server(), path, SENT, false))
    const over = begin(server(), path, SENT, false)
    expect((await over.answer).status).toBe(429)
    // A key is not concerned.
    expect((await server().request('POST', '/organization/projects', { name: 'beside' })).status).toBe(200)
    for (const { end } of held) end()
    expect(new Set((await Promise.all(held.map(({ answer }) => answer))).map(({ status }) => status))).toEqual(
      new Set([400]),
    )
    const again = begin(server(), path, SENT, false)
    again.end()
    expect((await again.answer).status).toBe(400)
  })
})
