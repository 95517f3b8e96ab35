/** Work that several callers share, so that it is never done twice at the same time. */

export interface SingleFlight<Result> {
  /** The result of a run that starts after this call. The current run may have read before it. */
  fresh: () => Promise<Result>
  /** The result of the current run, or of a new one if there is none. */
  shared: () => Promise<Result>
}

/** Runs `work` once at a time. All `fresh` callers that arrive during one run share the next. */
export function singleFlight<Result>(work: () => Promise<Result>): SingleFlight<Result> {
  let current: Promise<Result> | null = null
  let next: Promise<Result> | null = null

  function fresh(): Promise<Result> {
    if (!current) return (current = work().finally(() => (current = null)))
    return (next ??= current
      .catch(() => {})
      .then(() => {
        next = null
        return fresh()
      }))
  }
  return { fresh, shared: () => current ?? fresh() }
}
