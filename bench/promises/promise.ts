/** A promise of docs/reliability.md, how it is tried, and how the mend behind it is taken out. */

/**
 * Names a piece of source and what stands there without the mend. It must be found exactly once.
 */
export interface Edit {
  file: string
  find: string
  replace: string
}

export interface Trial {
  holds: boolean
  figure: string
}

/**
 * Tries the promise on the source in that folder. `isControl`: the mend is taken out, and the trial
 * should fail soon.
 */
export type Try = (folder: string, isControl: boolean) => Promise<Trial>

export interface Promised {
  /** The number of the item in docs/reliability.md. */
  item: number
  about: string
  try: Try
  /** Takes the mend out. Without it the trial must not hold. */
  control: Edit[]
}
