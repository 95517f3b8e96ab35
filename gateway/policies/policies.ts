/** All policies of a server as one: asked in their order, and nothing done where none has a say. */
import type { ProjectCaller, Wanted } from '../caller.ts'
import type { Policy, PolicyRequest } from './policy.ts'
import { noReservations, Reservations } from './reservations.ts'

export class Policies {
  /** What is looked for in a body beside `model`. */
  readonly members: readonly string[]
  readonly fields: readonly string[]
  readonly nested: readonly string[]
  readonly #permitting: readonly Policy[]
  readonly #reserving: readonly Policy[]
  readonly #showing: readonly Policy[]

  constructor(all: readonly Policy[]) {
    this.members = all.flatMap(({ members = [] }) => members)
    this.fields = all.flatMap(({ members = [], fields = members }) => fields)
    this.nested = all.flatMap(({ nested = [] }) => nested)
    this.#permitting = all.filter(({ permit }) => permit)
    this.#reserving = all.filter(({ reserve }) => reserve)
    this.#showing = all.filter(({ showsModel }) => showsModel)
  }

  /** Throws the first refusal. */
  permit(caller: ProjectCaller, wanted: Wanted) {
    for (const policy of this.#permitting) if (concerns(policy, wanted)) policy.permit!(caller, wanted)
  }

  /** Takes what the request needs of every policy, or of none. Throws the first refusal. */
  reserve(request: PolicyRequest): Reservations | Promise<Reservations> {
    return this.#reserving.length === 0 ? noReservations : this.#reserve(request, new Reservations(), 0)
  }

  /**
   * Asks the policies from this one on. No promise is made without need, so that no other request
   * comes between policies that answer at once.
   */
  #reserve(request: PolicyRequest, taken: Reservations, from: number): Reservations | Promise<Reservations> {
    try {
      for (let n = from; n < this.#reserving.length; n++) {
        const policy = this.#reserving[n]!
        const one = concerns(policy, request) ? policy.reserve!(request) : null
        if (one instanceof Promise)
          return one.then(
            (late) => {
              if (late) taken.add(late)
              return this.#reserve(request, taken, n + 1)
            },
            (error: unknown) => giveBack(taken, error),
          )
        if (one) taken.add(one)
      }
    } catch (error) {
      return giveBack(taken, error)
    }
    return taken
  }

  showsModel(caller: ProjectCaller, model: string) {
    return this.#showing.every((policy) => policy.showsModel!(caller, model))
  }
}

function giveBack(taken: Reservations, refusal: unknown): never {
  taken.settle({ ended: null, wasForwarded: false, status: null })
  throw refusal
}

const concerns = ({ withoutModel }: Policy, { model }: Wanted) =>
  withoutModel === 'applies' || typeof model === 'string'
