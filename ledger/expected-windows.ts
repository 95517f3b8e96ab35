/**
 * Rate limits that requests will probably come under. A server that is alone asks for some of each
 * before, so that not even the first request waits for an exchange.
 */
import type { World } from '../world/world.ts'
import type { WindowKey } from './exchange-types.ts'
import type { Span } from './window-state.ts'

/** What waits for them, such as a change of a limit, does not wait longer. */
const LONGEST_FINDING_MILLISECONDS = 1_000

export interface ExpectedWindow extends ExpectedUse {
  key: WindowKey
  span: Span
  limit: number
}

export interface ExpectedUse {
  /** The most that one request takes, as far as that is known. */
  largest: number
  /** Milliseconds since a request used it, or could first have done so. */
  age: number
}

export interface Owner {
  organization_id: string
  project_id: string
}

/**
 * The rate limits of a project, as they are set now; found one by one, because there may be many.
 */
export interface ExpectedLimits extends Owner {
  /** Those of one model or pattern. */
  of: (limit_key: string) => ExpectedWindow[]
  all: () => Iterable<ExpectedWindow>
}

/**
 * Finds those of the projects that are not archived; with `newest` also of those that were made
 * last.
 */
export type FindExpected = (projects: readonly Owner[], newest: 'newest' | null) => Promise<ExpectedLimits[]>

/** Finds none where that fails or takes long: requests then wait, as under any other limit. */
export const findInTime =
  (find: FindExpected, world: World, onError: (error: unknown) => void): FindExpected =>
  async (...asked) => {
    const late = Promise.withResolvers<ExpectedLimits[]>()
    const stop = world.later(LONGEST_FINDING_MILLISECONDS, () => late.resolve([]))
    try {
      return await Promise.race([find(...asked), late.promise])
    } catch (error) {
      onError(error)
      return []
    } finally {
      stop()
    }
  }
