/** The one place where errors of storage become errors that a caller reads. */
import { ApiError, conflict, internal, outcomeUnknown, unavailable, unknownCursor } from '../contract/errors.ts'
import { StorageError, UnknownCursor, type StorageFault } from '../database/storage-errors.ts'

/**
 * The error that the caller reads for something that was thrown. An unexpected error is a 500 that
 * names the request id and nothing else.
 */
export function wireError(thrown: unknown, requestId: string): ApiError {
  if (thrown instanceof ApiError) return thrown
  if (thrown instanceof StorageError) return storageErrors[thrown.fault](thrown)
  if (thrown instanceof UnknownCursor) return unknownCursor(thrown.cursor, thrown.param)
  return internal(requestId)
}

const storageErrors: Record<StorageFault, (error: StorageError) => ApiError> = {
  unreachable: (error) => unavailable('storage_unreachable', error),
  busy: (error) => unavailable('storage_busy', error),
  full: (error) => unavailable('storage_full', error),
  unwritable: (error) => unavailable('storage_unwritable', error),
  damaged: (error) => unavailable('storage_failed', error),
  duplicate: () => conflict('An object with these properties exists already.'),
  undone: (error) => unavailable('storage_busy', error),
  'unknown outcome': outcomeUnknown,
  stopping: (error) => unavailable('stopping', error),
}
