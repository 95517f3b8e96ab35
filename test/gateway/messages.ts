/** What an upstream of Anthropic's API says in the tests, and what the reports then have. */

export const usage = {
  input_tokens: 10,
  cache_creation_input_tokens: 20,
  cache_read_input_tokens: 30,
  output_tokens: 7,
  service_tier: 'standard',
}
export const counted = {
  input_tokens: 60,
  input_cached_tokens: 30,
  input_cache_write_tokens: 20,
  input_uncached_tokens: 10,
  output_tokens: 7,
  num_model_requests: 1,
}
export const message = (content: object[], more = {}) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content,
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage,
  ...more,
})
export const text = (said: string) => ({ type: 'text', text: said })
export const event = (data: { type: string } & Record<string, unknown>) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
export const begin = event({
  type: 'message_start',
  message: message([], { stop_reason: null, usage: { ...usage, output_tokens: 1 } }),
})
export const block = (content_block: object) => event({ type: 'content_block_start', index: 0, content_block })
export const delta = (delta: object) => event({ type: 'content_block_delta', index: 0, delta })
export const ending = (said: object, stop_reason = 'end_turn') =>
  event({ type: 'content_block_stop', index: 0 }) +
  event({ type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: said }) +
  event({ type: 'message_stop' })
export const words = [
  begin,
  block(text('')),
  delta({ type: 'text_delta', text: 'Hel' }),
  delta({ type: 'text_delta', text: 'lo.' }),
]

export const hello = [{ role: 'user' as const, content: 'Hello?' }]
export const weather = {
  name: 'weather',
  description: 'The weather of a city',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
}
