/** What a recipe is: how an operation is called with success, and the events that it leaves. */
import type { Body, Events, Operation, Params } from '../contract/kit.ts'
import type { Tenant } from './setup.ts'

/** What a call is made of. `params` are the ids of objects that exist and are the tenant's. */
export interface Ready {
  params: Record<string, string>
  body?: Record<string, unknown>
  /** What a query cannot do without. */
  query?: Record<string, string>
  headers?: Record<string, string>
}

export interface Recipe<O extends Operation = Operation> {
  /** Makes what the call needs, through the API itself; each time anew, in a project of its own. */
  prepare: (tenant: Tenant) => Promise<Pick<Ready, 'query' | 'headers'> & { params: Params<O>; body?: Body<O> }>
  /** The code of the 400 that an operation always answers, which has nothing that it could do. */
  refusal?: string
  /** Every audit event that the call leaves, and how many. */
  events: Partial<Record<Events<O>, number>>
}

/** The recipes of everything below a node of the contract. */
export type Recipes<Node> = Node extends Operation ? Recipe<Node> : { [Key in keyof Node]: Recipes<Node[Key]> }

export const nothing = async () => ({ params: {} })

export const threshold = { threshold_amount: 5000, currency: 'USD', interval: 'month' } as const

export const alert = {
  ...threshold,
  notification_channel: { type: 'email' as const, recipients: ['owner@example.com'] },
}
