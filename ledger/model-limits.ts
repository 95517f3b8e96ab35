/** The rate limits that the configuration sets for models, and which of them a model is under. */
import type { LimitName } from '../contract/project-rate-limits.ts'

/** A model by its exact name, or a pattern whose models share its limits. */
export interface LimitRow {
  key: string
  /** The limits of each project; what is not named is unlimited. */
  limits: Partial<Record<LimitName, number>>
}

export interface ModelLimits {
  /** In the order in which they are listed. */
  rows: () => LimitRow[]
  /**
   * The row that a model is under: its own name, else the first pattern that matches, else a row
   * without limits.
   */
  rowOf: (model: string) => LimitRow
}
