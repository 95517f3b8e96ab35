/** Whether a body refers to something whose size it does not show. */
import type { ModelBody } from '../model-body.ts'
import type { Endpoint } from './endpoints.ts'
import { isGiven } from './named-numbers.ts'
import { parsedJson } from './parsed-json.ts'

export const isOpaque = (body: ModelBody, { isMessages, isResponses }: Endpoint) =>
  (isMessages && isOpaqueMessage(body)) ||
  body.kind === 'form' ||
  body.kind === 'unread' ||
  body.nested.size > 0 ||
  isGiven(body.member('previous_response_id')) ||
  isGiven(body.member('conversation')) ||
  // Some upstreams count what the search finds.
  isGiven(body.member('web_search_options')) ||
  // A prompt that is stored, or a list of tools that the upstream runs by itself.
  body.member('prompt')?.startsWith('{') === true ||
  hasHostedTools(body.member('tools'), isMessages ? [undefined, 'custom'] : ['function']) ||
  // Last, because it can be long.
  (isResponses && refersToItems(body.member('input')))

/** An image or a document of a message has a `source`, which can be an address. */
const isOpaqueMessage = (body: ModelBody) =>
  ['messages', 'system'].some((name) => /"source"|\\u00/.test(body.member(name) ?? '')) ||
  isGiven(body.member('mcp_servers'))

/** Whether there are others than those that the client runs. */
function hasHostedTools(json: string | undefined, ofClients: readonly unknown[]): boolean {
  if (!isGiven(json)) return false
  const tools = parsedJson(json!)
  return !Array.isArray(tools) || tools.some((tool) => !ofClients.includes((tool as Item | null)?.type))
}

interface Item {
  type?: unknown
  role?: unknown
}

const ID = /"id"|\\u00/

/** Whether one of the items is kept by the upstream, and the body has its id alone. */
function refersToItems(json: string | undefined): boolean {
  if (!json?.startsWith('[') || !ID.test(json)) return false
  const items = parsedJson(json)
  return !Array.isArray(items) || items.some((item) => isReference(item as Item | null))
}

const isReference = (item: Item | null) =>
  item?.type === 'item_reference' ||
  item?.type === 'image_generation_call' ||
  // The type of a reference may be left out, as that of a message, which has a role.
  ((item?.type ?? null) === null && !isText(item?.role))

const isText = (value: unknown) => typeof value === 'string'
