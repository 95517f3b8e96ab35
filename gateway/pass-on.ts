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
 */
export function passOn(source: ReadableStream<Uint8Array>, passing: Passing): ReadableStream<Uint8Array> {
  const { idle_milliseconds, waiting, abort, onEnd, isEvents } = passing
  const reader = source.getReader()
  let isBetweenEvents = true
  let isOpen = true
  const end = (ended: Ended) => {
    isOpen = false
    onEnd(ended)
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        waiting.allow(idle_milliseconds, abort)
        try {
          const { done, value } = await reader.read()
          if (!isOpen) return
          if (done) {
            end('whole')
            return controller.close()
          }
          if (isEvents) isBetweenEvents = endsEvent(value)
          waiting.allow(idle_milliseconds, () => {
            abort()
            end('client left')
            controller.error(new Error('the client does not read'))
          })
          controller.enqueue(value)
        } catch (error) {
          if (!isOpen) return
          const stalled = waiting.isLate
          end(stalled ? 'upstream stalled' : 'upstream broke off')
          if (!isEvents || !isBetweenEvents) return controller.error(error)
          controller.enqueue(errorEvent(stalled))
          controller.close()
        }
      },
      async cancel() {
        if (!isOpen) return
        end('client left')
        abort()
      },
    },
    { highWaterMark: 0 },
  )
}

const errorEvent = (stalled: boolean) =>
  new TextEncoder().encode(`data: ${JSON.stringify((stalled ? upstreamTimeout() : badUpstream()).body)}\n\n`)

/** Whether a piece ends with the empty line that ends an event. */
function endsEvent(piece: Uint8Array): boolean {
  const [last, second, third] = [piece.at(-1), piece.at(-2), piece.at(-3)]
  return last === 0x0a && (second === 0x0a || (second === 0x0d && third === 0x0a))
}
