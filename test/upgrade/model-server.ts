/** A model server that answers every completion with the same usage. */
const answer = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'large',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1000, completion_tokens: 50, total_tokens: 1050 },
}

export function startModelServer() {
  let completions = 0
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      if (request.url.endsWith('/models'))
        return Response.json({ object: 'list', data: [{ id: 'large', object: 'model', created: 1, owned_by: 'us' }] })
      completions++
      return Response.json(answer)
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    /** How many were asked for. */
    completions: () => completions,
    stop: () => server.stop(true),
  }
}
