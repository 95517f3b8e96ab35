/** What the policies have taken for one request: settled together, once. */
import type { End, Reservation } from './policy.ts'

export class Reservations {
  readonly #all: Reservation[] = []
  #isSettled = false

  add(one: Reservation) {
    this.#all.push(one)
  }

  /** Every one is settled, also when one throws; then the first error is thrown at the end. */
  settle(end: End) {
    if (this.#isSettled) return
    this.#isSettled = true
    const errors: unknown[] = []
    for (const one of this.#all)
      try {
        one.settle(end)
      } catch (error) {
        errors.push(error)
      }
    if (errors.length > 0) throw errors[0]
  }

  addHeaders(headers: Record<string, string>) {
    for (const one of this.#all) one.addHeaders?.(headers)
  }

  beforeSending(upstream: string) {
    for (const one of this.#all) one.beforeSending?.(upstream)
  }

  get seesRefusals() {
    return this.#all.some(({ isOurFault }) => isOurFault)
  }

  isOurFault(refusal: string): boolean {
    return this.#all.some((one) => one.isOurFault?.(refusal) === true)
  }

  /** Whether an event stream must be cut into its events. */
  get seesEvents() {
    return this.#all.some(({ event }) => event)
  }

  /** Whether the event goes on to the client. Each policy sees it, also one that another drops. */
  event(event: Uint8Array): boolean {
    let passes = true
    for (const one of this.#all) if (one.event?.(event) === false) passes = false
    return passes
  }

  /** Whether no policy must see each event by itself. */
  get skimsEvents() {
    return this.#all.every(({ event, nextEvent, events }) => !event || (nextEvent && events))
  }

  /** Where the next byte is whose event a policy must see. */
  nextEvent(events: Uint8Array, from: number): number {
    let next = -1
    for (const one of this.#all) {
      const at = one.nextEvent?.(events, from) ?? -1
      if (at >= 0 && (next < 0 || at < next)) next = at
    }
    return next
  }

  events(events: Uint8Array) {
    for (const one of this.#all) one.events?.(events)
  }

  get seesPieces() {
    return this.#all.some(({ piece }) => piece)
  }

  piece(bytes: Uint8Array) {
    for (const one of this.#all) one.piece?.(bytes)
  }

  message(message: Buffer) {
    for (const one of this.#all) one.message?.(message)
  }

  clientMessage(message: Buffer) {
    for (const one of this.#all) one.clientMessage?.(message)
  }

  whole(bytes: Buffer) {
    for (const one of this.#all) {
      if (one.whole) one.whole(bytes)
      else one.piece?.(bytes)
    }
  }
}

/** Of a request for which no policy has taken anything. */
export const noReservations = new Reservations()
