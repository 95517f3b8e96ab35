/** Reads the usage that an answer reports while it passes, whole or as a stream. */
import type { Counts } from '../../ledger/usage-counts.ts'
import { AnswerText } from './answer-text.ts'
import { EventText } from './event-text.ts'
import { reportedIn, together, type Reported } from './count.ts'
import type { Endpoint } from './endpoints.ts'
import { afterColon, endOfObject, hasUsage, OPEN, USAGE, usageIn } from './json-bytes.ts'
import { reportedByMessages, usageOfMessages } from './messages-usage.ts'
import { usageAtEnd } from './read-usage.ts'
import { ShortenedJson } from './shortened-json.ts'

/**
 * How many bytes of the end of an answer are kept: `usage` stands near the end. A shorter answer is
 * parsed whole.
 */
const KEPT = 64 * 1024
/** Answers of the Responses API list tool calls at the beginning, so more of them is kept. */
const KEPT_OF_RESPONSES = 1024 * 1024
const ID = Buffer.from('"id"')
const WEB_SEARCH = Buffer.from('web_search_call"')
const FILE_SEARCH = Buffer.from('file_search_call"')
const decoder = new TextDecoder()

export class AnswerMeter {
  readonly #endpoint: Endpoint
  /**
   * Whether the chunk that has only the usage is dropped, because the client did not ask for it.
   */
  readonly #dropsUsage: boolean
  readonly #keptBytes: number
  #reported: Reported | null = null
  /** Of a message whose stream has not ended. */
  #usage: Record<string, unknown> = {}
  #tail: Uint8Array[] = []
  #tailBytes = 0
  #bytes = 0
  /** Instead of the tail: images fill it. Null for all but images. */
  readonly #images: ShortenedJson | null
  /** The text of the events; null before the first. */
  #eventText: EventText | null = null
  /** The id of a streamed response. A background response goes on after its stream was closed. */
  #id: string | null = null

  constructor(endpoint: Endpoint, dropsUsage: boolean) {
    this.#endpoint = endpoint
    this.#dropsUsage = dropsUsage
    this.#keptBytes = endpoint.isResponses ? KEPT_OF_RESPONSES : KEPT
    this.#images = endpoint.unit === 'image' ? new ShortenedJson() : null
  }

  get #text(): EventText {
    return (this.#eventText ??= new EventText(this.#endpoint.texts))
  }

  /** False for the event that the client did not ask for. */
  event(event: Uint8Array): boolean {
    const bytes = Buffer.from(event.buffer, event.byteOffset, event.length)
    if (this.#endpoint.isResponses && this.#id === null) this.#id = idIn(bytes)
    if (!hasUsage(bytes)) {
      this.#text.add(bytes)
      return true
    }
    const data = dataOf(event)
    const body = data === null ? null : parsed(data)
    if (body === null) return true
    if (this.#endpoint.isMessages) return this.#message(body, bytes)
    const reported = reportedIn(body, this.#endpoint)
    if (reported) this.#reported = together(this.#reported, reported, this.#endpoint)
    const { choices } = body as { choices?: unknown }
    const isOnlyUsage = Array.isArray(choices) && choices.length === 0
    if (!isOnlyUsage) this.#text.add(bytes)
    return !(isOnlyUsage && this.#dropsUsage)
  }

  /** An event of a message: only with its end it is known what the answer has. */
  #message(body: object, bytes: Buffer): true {
    this.#usage = usageOfMessages(body as Record<string, unknown>, this.#usage)
    this.#text.add(bytes)
    const isEnd = (body as { type?: unknown }).type === 'message_delta'
    if (isEnd) this.#reported = reportedByMessages(this.#usage)
    return true
  }

  /** What a message said of its prompt, although its end did not come; null for others. */
  get begun(): Counts | null {
    const counts = reportedByMessages(this.#usage)?.counts
    return counts ? { input: counts.input, cached: counts.cached, cache_write: counts.cache_write } : null
  }

  /** Where the next event begins that reports usage or the id of the response. */
  nextEvent(events: Uint8Array, from: number): number {
    if (this.#endpoint.isResponses && this.#id === null) return from
    return usageIn(events, from)
  }

  /** Events that report neither. */
  events(events: Uint8Array) {
    this.#text.add(events)
  }

  /**
   * Bytes of an answer that is no event stream, or of an event that is too long to be seen whole.
   */
  piece(bytes: Uint8Array) {
    this.#bytes += bytes.length
    if (this.#images) return this.#images.add(bytes)
    this.#tail.push(new Uint8Array(bytes))
    this.#tailBytes += bytes.length
    while (this.#tail.length > 1 && this.#tailBytes - this.#tail[0]!.length >= this.#keptBytes)
      this.#tailBytes -= this.#tail.shift()!.length
  }

  /** A short answer, whole. It is kept only if it does not report its usage. */
  whole(answer: Buffer) {
    this.#reported = usageAtEnd(answer, this.#endpoint)
    if (this.#reported === null) this.piece(answer)
  }

  /** The usage that the upstream reported; null if it reported none. */
  get reported(): Reported | null {
    if (this.#images) this.#readImages(this.#images.take())
    else this.#reported ??= this.#read()
    return this.#reported
  }

  /** A whole answer, or events that were too long to be held. */
  #readImages(text: string) {
    const whole = parsed(text)
    const bodies = whole ? [whole] : text.split('\n').map((line) => parsed(line.replace(/^data:/, '')))
    for (const body of bodies) {
      const reported = body && reportedIn(body, this.#endpoint)
      if (reported) this.#reported = together(this.#reported, reported, this.#endpoint)
    }
  }

  #read(): Reported | null {
    if (this.#bytes === 0) return null
    const bytes = Buffer.concat(this.#tail)
    const atEnd = this.#bytes === bytes.length ? usageAtEnd(bytes, this.#endpoint) : null
    if (atEnd) return atEnd
    if (this.#bytes === bytes.length && bytes.length <= KEPT) {
      const body = parsed(bytes)
      if (body !== null) return reportedIn(body, this.#endpoint)
    }
    const usage = lastObject(bytes)
    const reported = usage === null ? null : reportedIn({ usage }, this.#endpoint)
    if (reported === null || !this.#endpoint.isResponses) return reported
    const web_searches = occurrences(bytes, WEB_SEARCH)
    return { ...reported, web_searches, file_searches: occurrences(bytes, FILE_SEARCH) }
  }

  /**
   * For an answer without reported usage: its text, escaped as in JSON, and by what factor the
   * whole text is longer.
   */
  get unreported(): { text: string; factor: number; events: number } {
    const { text, factor, events } = this.#text.counted()
    if (events > 0) return { text, factor, events }
    const whole = new AnswerText(this.#endpoint.wholeTexts)
    whole.add(Buffer.concat(this.#tail))
    // Of a longer answer, everything before the kept part is taken for text.
    const before = this.#bytes - this.#tailBytes
    return { text: whole.text, factor: whole.factor * (1 + before / Math.max(1, this.#tailBytes)), events: 0 }
  }

  /** Bytes of an answer that was no stream of events. */
  get bytes() {
    return this.#bytes
  }

  /** The id of the response, from its stream or from its whole answer; null where there is none. */
  get id(): string | null {
    return this.#id ?? idIn(Buffer.concat(this.#tail))
  }
}

/** The first id in the bytes that a response has; ids of its items have other prefixes. */
function idIn(bytes: Buffer): string | null {
  for (let at = bytes.indexOf(ID); at >= 0; at = bytes.indexOf(ID, at + 1)) {
    const start = afterColon(bytes, at + ID.length)
    const [, id] = /^"(resp_[\w-]{1,200})"/.exec(bytes.toString('latin1', start, start + 256)) ?? []
    if (id !== undefined) return id
  }
  return null
}

function occurrences(bytes: Buffer, wanted: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) count++
  return count
}

/** The data of a server-sent event, its lines joined; null without any. */
function dataOf(event: Uint8Array): string | null {
  const lines = decoder.decode(event).split(/\r\n|\r|\n/)
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, ''))
  return data.length === 0 ? null : data.join('\n')
}

/** The last object in a text that stands behind `"usage":`. */
function lastObject(bytes: Buffer): object | null {
  for (let at = bytes.lastIndexOf(USAGE); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(USAGE, at - 1)) {
    const open = afterColon(bytes, at + USAGE.length)
    if (bytes[open] !== OPEN) continue
    const end = endOfObject(bytes, open)
    if (end > 0) return parsed(bytes.subarray(open, end))
  }
  return null
}

function parsed(data: string | Uint8Array): object | null {
  try {
    const body: unknown = JSON.parse(typeof data === 'string' ? data : decoder.decode(data))
    return typeof body === 'object' ? body : null
  } catch {
    return null
  }
}
