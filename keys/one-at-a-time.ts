/** Work that many ask for and one run serves. */

export interface OneAtATime<Result> {
  /** The result of a run that began after this call: one under way may have looked too early. */
  run: () => Promise<Result>
  /** The run under way; else a new one. */
  join: () => Promise<Result>
}

/** Never runs `work` twice at a time; all who ask during one run share the next. */
export function oneAtATime<Result>(work: () => Promise<Result>): OneAtATime<Result> {
  let current: Promise<Result> | null = null
  let next: Promise<Result> | null = null

  function run(): Promise<Result> {
    if (!current) return (current = work().finally(() => (current = null)))
    return (next ??= current
      .catch(() => {})
      .then(() => {
        next = null
        return run()
      }))
  }
  return { run, join: () => current ?? run() }
}
