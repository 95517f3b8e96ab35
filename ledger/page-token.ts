/** The token of the next page of a report: where it begins, with a MAC over that and the query. */
import { mac, type Peppers } from '../keys/digest.ts'

const VERSION = 1
const MAC_BYTES = 8

export interface Continuation {
  /** Unix seconds. */
  from: number
  /** Where the whole report ends, fixed by its first page. */
  to: number
}

/** `query` is the query without `page` and `limit`, as text. */
export function pageToken({ from, to }: Continuation, query: string, peppers: Peppers): string {
  const place = Buffer.alloc(17)
  place.writeUInt8(VERSION, 0)
  place.writeBigInt64BE(BigInt(from), 1)
  place.writeBigInt64BE(BigInt(to), 9)
  const seal = mac(peppers[0], 'report-page:v1', `${place.toString('hex')} ${query}`).subarray(0, MAC_BYTES)
  return `page_${Buffer.concat([place, seal]).toString('base64url')}`
}

/** Null for a token that was not made for this query. */
export function readPageToken(token: string, query: string, peppers: Peppers): Continuation | null {
  const bytes = Buffer.from(token.startsWith('page_') ? token.slice(5) : '', 'base64url')
  if (bytes.length !== 17 + MAC_BYTES || bytes[0] !== VERSION) return null
  const place = bytes.subarray(0, 17)
  const isOurs = peppers.some((pepper) =>
    mac(pepper, 'report-page:v1', `${place.toString('hex')} ${query}`)
      .subarray(0, MAC_BYTES)
      .equals(bytes.subarray(17)),
  )
  if (!isOurs || `page_${bytes.toString('base64url')}` !== token) return null
  return { from: Number(place.readBigInt64BE(1)), to: Number(place.readBigInt64BE(9)) }
}
