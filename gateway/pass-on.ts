/** Passes an upstream's stream on as it comes, no faster than the client takes it, and says in its own form when it breaks. */
import { badUpstream, upstreamTimeout } from '../contract/errors.ts'
import type { ForwardedLine } from '../http/request-line.ts'
import type { Waiting } from './watch.ts'

type Ended = NonNullable<ForwardedLine['ended']>

interface Passing {
  /** For both sides: an upstream that is silent, a client that does not read. */
  idle_milliseconds: number
  waiting: Waiting
  abort: () => void
  onEnd: (ended: Ended) => void
  /** Server-sent events: a break is told as an event with an `error`, as OpenAI does. */
  isEvents: boolean
}

/**
 * A break between two events ends the stream with an error event; in the middle of one, and in anything that is not an event stream, it
 * breaks the connection, because the client must not take half an answer for a whole one.
 *
 * It is a stream of Bun's own kind, `direct`: pulled once, it writes to the connection itself. The standard kind costs several promises
 * more for each piece.
 */
export function passOn(source: ReadableStream<Uint8Array>, passing: Passing): ReadableStream<Uint8Array> {
  const { idle_milliseconds, waiting, abort, onEnd, isEvents } = passing
  const reader = source.getReader()
  let tail = EMPTY_LINE
  let isOpen = true
  const end = (ended: Ended) => {
    if (isOpen) onEnd(ended)
    isOpen = false
  }
  const leave = () => {
    end('client left')
    abort()
  }

  async function pull(client: ReadableStreamDirectController) {
    try {
      for (;;) {
        waiting.allow(idle_milliseconds, abort)
        const { done, value } = await reader.read()
        if (!isOpen) return
        if (done) break
        if (isEvents) tail = tailOf(tail, value)
        const taken: unknown = client.write(value)
        void client.flush()
        // A promise as long as the connection takes no more.
        if (taken instanceof Promise) {
          waiting.allow(idle_milliseconds, () => {
            leave()
            client.close(new Error('the client does not read'))
          })
          await taken
          if (!isOpen) return
        }
      }
      end('whole')
    } catch (error) {
      if (!isOpen) return
      const stalled = waiting.isLate
      end(stalled ? 'upstream stalled' : 'upstream broke off')
      if (!isEvents || !endsEvent(tail)) return client.close(error as Error)
      void client.write(errorEvent(stalled))
    }
    client.close()
  }
  const direct: Bun.DirectUnderlyingSource<Uint8Array> = { type: 'direct', pull, cancel: leave }
  // The standard's types, which stand beside Bun's, do not know that kind.
  return new ReadableStream(direct as unknown as UnderlyingDefaultSource<Uint8Array>)
}

const errorEvent = (stalled: boolean) =>
  new TextEncoder().encode(`data: ${JSON.stringify((stalled ? upstreamTimeout() : badUpstream()).body)}\n\n`)

const EMPTY_LINE = 0x0a0a

/** The last three bytes of a stream as a number, after one more piece: the empty line that ends an event may come in two. */
function tailOf(tail: number, piece: Uint8Array): number {
  for (let at = Math.max(0, piece.length - 3); at < piece.length; at++) tail = ((tail << 8) | piece[at]!) & 0xffffff
  return tail
}

const endsEvent = (tail: number) => (tail & 0xffff) === EMPTY_LINE || tail === 0x0a0d0a
