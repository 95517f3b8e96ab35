/**
 * Rate limits that requests will probably come under. A server that is alone asks for some of each
 * before, so that not even the first request waits for an exchange.
 */
import type { WindowKey } from './exchange-types.ts'
import type { Span } from './window-state.ts'

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
