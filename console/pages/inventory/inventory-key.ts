/** What a key of the inventory is. */
import type { organization } from '../../use-calls.ts'

/** A key in the inventory of the organization. */
export type InventoryKey = Awaited<ReturnType<typeof organization.apiKeys.list>>['data'][number]

export const ownerOf = ({ owner }: InventoryKey) => (owner.user ?? owner.service_account)!
