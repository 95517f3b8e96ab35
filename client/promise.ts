/** What a method returns: a promise of the result that can also give the response. */
import type { Exchange } from './exchange.ts'

/** A result with the id of its request, which is not enumerable, so that JSON does not show it. */
export type WithRequestID<Result> = Result extends object ? Result & { readonly _request_id?: string | null } : Result

/** The body is read when somebody asks for the result; `asResponse` alone does not read it. */
export class APIPromise<Result> extends Promise<WithRequestID<Result>> {
  #exchange: Exchange
  #make: (body: unknown) => Result
  #result: Promise<WithRequestID<Result>> | undefined

  constructor(exchange: Exchange, make: (body: unknown) => Result) {
    // This class must be a Promise, but its own value is not used: the methods below replace all
    // that give it.
    super((resolve) => resolve(undefined as never))
    this.#exchange = exchange
    this.#make = make
  }

  /** `then` makes ordinary promises. */
  static override get [Symbol.species]() {
    return Promise
  }

  /** The response, its body unread. */
  asResponse(): Promise<Response> {
    return this.#exchange.response()
  }

  /**
   * The result, the response, and the id of the request in the server's log.
   */
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
