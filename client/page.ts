/** Pages of lists: the answer as it came, with a way to fetch the next page. */
import { KeyhallError } from './api-errors.ts'
import type { Exchange } from './exchange.ts'
import { APIPromise } from './promise.ts'

/** What is needed of an answer to fetch the next page. A list has one of the two cursors. */
interface Envelope {
  data?: unknown[]
  has_more?: boolean
  last_id?: string | null
  next?: string | null
}

/** Fetches the page after the given cursor. */
export type Follow = (after: string) => PromiseLike<unknown>

/**
 * One page of a list, with the members of the answer. Iterating over it gives the items of this
 * page and of all that follow.
 */
export class Page<Item> implements AsyncIterable<Item> {
  declare data: Item[]
  #follow: Follow

  constructor(envelope: unknown, follow: Follow) {
    const { data, ...others } = (envelope ?? {}) as Envelope
    Object.assign(this, others, { data: data ?? [] })
    // As in the official SDK, whose `last_id` is a string also where the wire has null.
    if (others.last_id === null) Object.assign(this, { last_id: '' })
    this.#follow = follow
  }

  /** Whether there is more to fetch. */
  hasNextPage(): boolean {
    return this.#cursor() !== null
  }

  /** Fetches the next page; rejects if there is none. */
  async getNextPage(): Promise<this> {
    const after = this.#cursor()
    if (after === null) throw new KeyhallError('There is no next page; ask hasNextPage() before getNextPage().')
    return (await this.#follow(after)) as this
  }

  /** This page and all that follow. */
  async *iterPages(): AsyncGenerator<this> {
    const after = (page: this) => (page.hasNextPage() ? page.getNextPage() : null)
    yield this
    for (let page = await after(this); page; page = await after(page)) yield page
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for await (const page of this.iterPages()) yield* page.data
  }

  #cursor(): string | null {
    const { has_more, last_id, next } = this as Envelope
    // An empty page can have a next one: the server looks at a limited number of keys for a page,
    // and none of them may match.
    return (has_more && (next || last_id)) || null
  }
}

/** A promise of a page that can be iterated without awaiting it first. */
export class PagePromise<Result extends Page<Item>, Item = Result['data'][number]>
  extends APIPromise<Result>
  implements AsyncIterable<Item>
{
  constructor(exchange: Exchange, follow: Follow) {
    super(exchange, (envelope) => new Page<Item>(envelope, follow) as Result)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    const page: Page<Item> = await this
    yield* page
  }
}
