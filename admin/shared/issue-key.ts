/**
 * Makes a new key. Its value is in the answer that creates it and nowhere else; only its digest is
 * stored.
 */
import { digest } from '../../keys/digest.ts'
import { makeKey, redact, type KeyKind } from '../../keys/format.ts'
import type { Call } from '../call.ts'

/** The value of a new key, and the columns that store it. */
export function issueKey(
  call: Pick<Call, 'keys' | 'world' | 'now' | 'newId'>,
  kind: KeyKind,
  {
    name,
    scopes = [],
    expires_in_seconds,
  }: { name: string; scopes?: readonly string[]; expires_in_seconds?: number | null },
) {
  const value = makeKey(kind, call.world.random, call.keys.pepper)
  const columns = {
    id: call.newId('key_'),
    name,
    digest: digest(call.keys.pepper, value),
    redacted_value: redact(value),
    scopes: JSON.stringify(scopes),
    created_at: call.now,
    last_used_at: null,
    expires_at: expires_in_seconds ? call.now + expires_in_seconds : null,
    deleted_at: null,
  }
  return { value, columns }
}
