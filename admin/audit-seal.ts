/**
 * The seals of the audit log: HMACs under the pepper, which is not in the database. Somebody who
 * can write the database can compute the hashes of a changed chain, but not its seals. The seal of
 * each row shows where a chain was changed; the seal of the head shows that its end was cut off.
 */
import type { AuditHeadRow, AuditLogRow } from '../database/tables.ts'
import { mac, sameBytes, type Pepper, type Peppers } from '../keys/digest.ts'

export interface Seal {
  seal: Uint8Array | null
  /** Which pepper it was made with. */
  pepper_name: string | null
}

/** `unknown`: made with a pepper that this host does not have. */
export type SealState = 'valid' | 'wrong' | 'missing' | 'unknown'

type Link = Pick<AuditLogRow, 'organization_id' | 'seq' | 'hash'>
type Head = Omit<AuditHeadRow, 'seal' | 'pepper_name'>

export const sealRow = (pepper: Pepper, row: Link): Seal => makeSeal(pepper, 'audit-row:v1', rowText(row))
export const stateOfRow = (peppers: Peppers, row: Link & Seal) => check(peppers, 'audit-row:v1', rowText(row), row)

export const sealHead = (pepper: Pepper, head: Head): AuditHeadRow => ({
  ...head,
  ...makeSeal(pepper, 'audit-head:v1', headText(head)),
})
export const stateOfHead = (peppers: Peppers, head: AuditHeadRow) =>
  check(peppers, 'audit-head:v1', headText(head), head)

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const rowText = ({ organization_id, seq, hash }: Link) => JSON.stringify([organization_id, seq, hex(hash)])
const headText = ({ organization_id, seq, hash, sealed_from, doubtful_seq }: Head) =>
  JSON.stringify([organization_id, seq, hex(hash), sealed_from, doubtful_seq])

type Label = 'audit-row:v1' | 'audit-head:v1'

const makeSeal = (pepper: Pepper, label: Label, text: string): Seal => ({
  seal: mac(pepper, label, text),
  pepper_name: nameOf(pepper),
})

function check(peppers: Peppers, label: Label, text: string, { seal, pepper_name }: Seal): SealState {
  if (seal === null) return 'missing'
  const pepper = peppers.find((one) => nameOf(one) === pepper_name)
  if (!pepper) return 'unknown'
  return sameBytes(seal, mac(pepper, label, text)) ? 'valid' : 'wrong'
}

const names = new WeakMap<Pepper, string>()

/** The name of a pepper, from which the pepper cannot be found. */
function nameOf(pepper: Pepper): string {
  let name = names.get(pepper)
  if (!name) names.set(pepper, (name = mac(pepper, 'pepper-name:v1', '').toString('hex', 0, 4)))
  return name
}
