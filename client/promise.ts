/** What a call answers at once: a promise of the result that also gives the response it came in. */
import type { Exchange } from './exchange.ts'

/** A result with the id of its request, which is not enumerable: it is no member of the object. */
export type WithRequestID<Result> = Result extends object ? Result & { readonly _request_id?: string | null } : Result

/** The body is read when the result is asked for, so `asResponse` alone leaves it unread. */
export class APIPromise<Result> extends Promise<WithRequestID<Result>> {
  #exchange: Exchange
  #make: (body: unknown) => Result
  #result: Promise<WithRequestID<Result>> | undefined

  constructor(exchange: Exchange, make: (body: unknown) => Result) {
    // The promise that this class is by inheritance stays unused: all ways to its value are overridden below.
    super((resolve) => resolve(undefined as never))
    this.#exchange = exchange
    this.#make = make
  }

  /** What is chained to it is an ordinary promise. */
  static override get [Symbol.species]() {
    return Promise
  }

  /** The response, its body unread. */
  asResponse(): Promise<Response> {
    return this.#exchange.response()
  }

  /** The result, the response it came in, and the id by which the server's log knows the request. */
  async withResponse(): Promise<{ data: WithRequestID<Result>; response: Response; request_id: string | null }> {
    const data = await this.#read()
    const response = await this.#exchange.response()
    return { data, response, request_id: response.headers.get('x-request-id') }
  }

  #read() {
    return (this.#result ??= (async () => {
      const result = this.#make(await this.#exchange.read())
      if (typeof result === 'object' && result !== null) {
        const { headers } = await this.#exchange.response()
        Object.defineProperty(result, '_request_id', { value: headers.get('x-request-id'), enumerable: false })
      }
      return result as WithRequestID<Result>
    })())
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<Fulfilled = WithRequestID<Result>, Rejected = never>(
    fulfilled?: ((value: WithRequestID<Result>) => Fulfilled | PromiseLike<Fulfilled>) | null,
    rejected?: ((reason: any) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#read().then(fulfilled, rejected)
  }

  override catch<Rejected = never>(rejected?: ((reason: any) => Rejected | PromiseLike<Rejected>) | null) {
    return this.#read().catch(rejected)
  }

  override finally(settled?: (() => void) | null) {
    return this.#read().finally(settled)
  }
}
