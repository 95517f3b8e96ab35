/** What a key of the inventory is: of a project, or an admin key. */
import type { organization } from '../../use-calls.ts'

/** A key in the inventory of the organization. */
export type InventoryKey = Awaited<ReturnType<typeof organization.apiKeys.list>>['data'][number]

/** A key of a project; the others are admin keys. */
export type ProjectKey = Extract<InventoryKey, { object: 'organization.project.api_key' }>

export const isOfProject = (key: InventoryKey): key is ProjectKey => key.object === 'organization.project.api_key'

export const ownerOf = ({ owner }: InventoryKey) => ('id' in owner ? owner : (owner.user ?? owner.service_account)!)
