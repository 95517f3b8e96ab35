/**
 * The MAC of a key's row. Somebody who can write the database but lacks the pepper can neither add
 * a key, nor move a key's digest to another row, nor widen a key's scopes, nor take its expiry
 * away.
 *
 * Only a living key has a MAC: deleting a key deletes it. So setting `deleted_at` back to null does
 * not bring a key back.
 *
 * A MAC cannot tell an older row from the newest. So each change of a project key counts up its
 * version, which the MAC covers, and the revocations file remembers the newest versions outside the
 * database.
 */
import type { Sql } from '../database/types.ts'
import { isMac, mac, type Pepper, type Peppers } from './digest.ts'

export type KeyTable = 'api_keys' | 'admin_api_keys'

/** What the MAC covers: the key, its place, its owner, its scopes and its expiry. */
interface KeyState {
  organization_id: string
  id: string
  digest: Uint8Array
  owner_id: string
  /** JSON array, as it is stored. */
  scopes: string
  expires_at?: number | null
}

export interface ProjectKeyState extends KeyState {
  project_id: string
  owner_type: string
  /** 0 for a row that is about to be inserted. */
  version?: number
}

/** The columns that the MAC covers, by table. */
export interface KeyStates {
  api_keys: ProjectKeyState
  admin_api_keys: KeyState
}

/** A row as it is stored. */
export type Sealed<Table extends KeyTable> = KeyStates[Table] & { mac: Uint8Array | null } & (Table extends 'api_keys'
    ? { version: number }
    : object)

/** What a server knows that decides about a row. */
export interface KnownKeys {
  peppers: Peppers
  isRevoked: (key_id: string, version?: number) => boolean
}

const labels = { api_keys: 'project-key:v1', admin_api_keys: 'admin-key:v1' } as const

function encode<Table extends KeyTable>(table: Table, state: KeyStates[Table]): string {
  const { organization_id, id, digest, owner_id, scopes, expires_at = null } = state
  const hex = Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString('hex')
  const ofProject = table === 'api_keys' ? projectColumns(state as ProjectKeyState) : []
  return JSON.stringify([organization_id, id, hex, owner_id, scopes, expires_at, ...ofProject])
}

/** Without the version as long as it is 0: MACs from before there were versions stay valid. */
const projectColumns = ({ project_id, owner_type, version = 0 }: ProjectKeyState) =>
  version === 0 ? [project_id, owner_type] : [project_id, owner_type, version]

/** A row to insert, with its MAC. */
export function withMac<Table extends KeyTable, Row extends KeyStates[Table]>(
  pepper: Pepper,
  table: Table,
  row: Row,
): Row & { mac: Uint8Array } {
  return { ...row, mac: mac(pepper, labels[table], encode(table, row)) }
}

/** Whether one of these peppers made the MAC of a row. */
export const hasMac = <Table extends KeyTable>(peppers: Peppers, table: Table, row: Sealed<Table>): boolean =>
  row.mac !== null && isMac(peppers, labels[table], encode(table, row), row.mac)

/** The pepper that made a row's MAC and digest; undefined for a row that is forged. */
export const pepperOf = <Table extends KeyTable>(
  peppers: Peppers,
  table: Table,
  row: Sealed<Table>,
): Pepper | undefined => peppers.find((pepper) => hasMac([pepper], table, row))

/** The columns that delete a key. */
export const deletedKey = (now: number) => ({ deleted_at: now, mac: null })

/**
 * Changes what a living project key may do. False when its row is forged, or is an older one that
 * was put back: then nothing is changed, because a new MAC would make that row valid. The version
 * of the new row is higher than `above`; without it, a row that stays as it is is not written.
 */
export async function changeKey(
  sql: Sql,
  { peppers, isRevoked }: KnownKeys,
  { organization_id, id }: { organization_id: string; id: string },
  changes: { scopes?: string; expires_at?: number },
  { above }: { above?: number } = {},
): Promise<boolean> {
  const row = await sql
    .selectFrom('api_keys')
    .select(['organization_id', 'id', 'project_id', 'owner_type', 'owner_id', 'digest', 'scopes', 'expires_at'])
    .select(['version', 'mac'])
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const pepper = pepperOf(peppers, 'api_keys', row)
  if (!pepper || isRevoked(id, row.version)) return false
  const next = { ...row, ...changes, version: Math.max(row.version, above ?? 0) + 1 }
  if (above === undefined && next.scopes === row.scopes && next.expires_at === row.expires_at) return true
  const { scopes, expires_at, version, mac } = withMac(pepper, 'api_keys', next)
  await sql
    .updateTable('api_keys')
    .set({ scopes, expires_at, version, mac })
    .where('organization_id', '=', organization_id)
    .where('id', '=', id)
    .execute()
  return true
}
