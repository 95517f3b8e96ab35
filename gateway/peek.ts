/**
 * Looks at the body of a short answer, such as a refusal, without taking it from whoever passes it
 * on.
 */

const LONGEST = 64 * 1024

export interface Peeked {
  /** Null where it is longer than one looks at. */
  text: string | null
  /** The answer as it was, to be read from its beginning. */
  response: Response
}

export async function peek(response: Response): Promise<Peeked> {
  if (!response.body) return { text: '', response }
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader()
  const pieces: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    pieces.push(value)
    size += value.length
    if (size > LONGEST) return { text: null, response: again(response, beginningWith(pieces, reader)) }
  }
  const bytes = Buffer.concat(pieces)
  return { text: bytes.toString(), response: again(response, new Uint8Array(bytes)) }
}

const again = ({ status, headers }: Response, body: BodyInit) => new Response(body, { status, headers })

function beginningWith(pieces: Uint8Array[], reader: ReadableStreamDefaultReader<Uint8Array>) {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = pieces.shift() ?? (await reader.read()).value
      if (piece) controller.enqueue(piece)
      else controller.close()
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
