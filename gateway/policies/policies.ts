/** All policies of a server as one: asked in their order, and nothing done where none has a say. */
import type { ProjectCaller, Wanted } from '../caller.ts'
import type { Policy, PolicyRequest, Reservation } from './policy.ts'
import { noReservations, Reservations } from './reservations.ts'

export class Policies {
  /** What is looked for in a body beside `model`. */
  readonly members: readonly string[]
  readonly fields: readonly string[]
  readonly nested: readonly string[]
  readonly #permitting: readonly Policy[]
  readonly #reserving: readonly Policy[]
  readonly #showing: readonly Policy[]
  readonly #reading: readonly Policy[]

  constructor(all: readonly Policy[]) {
    this.members = all.flatMap(({ members = [] }) => members)
    this.fields = all.flatMap(({ members = [], fields = members }) => fields)
    this.nested = all.flatMap(({ nested = [] }) => nested)
    this.#permitting = all.filter(({ permit }) => permit)
    this.#reserving = all.filter(({ reserve }) => reserve)
    this.#reading = all.filter(({ message }) => message)
    this.#showing = all.filter(({ showsModel }) => showsModel)
  }

  /** Throws the first refusal. */
  permit(caller: ProjectCaller, wanted: Wanted) {
    for (const policy of this.#permitting) if (concerns(policy, wanted)) policy.permit!(caller, wanted)
  }

  /** Takes what the request needs of every policy, or of none. Throws the first refusal. */
  reserve(request: PolicyRequest): Reservations | Promise<Reservations> {
    return this.#reserve(request, null, 0)
  }

  /**
   * Asks the policies from this one on. No promise is made without need, so that no other request
   * comes between policies that answer at once.
   */
  #reserve(request: PolicyRequest, taken: Reservations | null, from: number): Reservations | Promise<Reservations> {
    try {
      for (let n = from; n < this.#reserving.length; n++) {
        const policy = this.#reserving[n]!
        const one = concerns(policy, request) ? policy.reserve!(request) : null
        if (one instanceof Promise)
          return one.then(
            (late) => this.#reserve(request, late ? withOne(taken, late) : taken, n + 1),
            (error: unknown) => giveBack(taken, error),
          )
        if (one) taken = withOne(taken, one)
      }
    } catch (error) {
      return giveBack(taken, error)
    }
    return taken ?? noReservations
  }

  /** Throws the first refusal of a client's message. */
  message(caller: ProjectCaller, text: () => string) {
    for (const policy of this.#reading) policy.message!(caller, text)
  }

  showsModel(caller: ProjectCaller, model: string) {
    return this.#showing.every((policy) => policy.showsModel!(caller, model))
  }
}

/** Most requests of `/verify` take nothing, so nothing is made for them. */
function withOne(taken: Reservations | null, one: Reservation): Reservations {
  const all = taken ?? new Reservations()
  all.add(one)
  return all
}

function giveBack(taken: Reservations | null, refusal: unknown): never {
  taken?.settle({ ended: null, wasForwarded: false, status: null })
  throw refusal
}

const concerns = ({ withoutModel }: Policy, { model }: Wanted) =>
  withoutModel === 'applies' || typeof model === 'string'
