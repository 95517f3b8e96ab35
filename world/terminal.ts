/**
 * The process that a command runs in: its variables, its output, its signals. It is passed in, and
 * commands use nothing else of the process.
 */
export interface Terminal {
  environment: Record<string, string | undefined>
  /** Milliseconds since 1970. */
  now: () => number
  out: (text: string) => void
  err: (text: string) => void
  /** Whether people read what `out` prints. */
  isTerminal: boolean
  /** Whether people read what `err` prints. */
  isErrTerminal: boolean
  /** How many columns the terminal has; Infinity when it is none. */
  columns: number
  /** How many columns a text takes. */
  width: (text: string) => number
  /**
   * How this program was started, to write in front of a command: `npx keyhall`, or the path of the
   * executable.
   */
  program: string
  /**
   * Asks a question on the terminal and resolves to the line, or to null at the end of the input.
   * Undefined where nobody can be asked.
   */
  ask?: (question: string) => Promise<string | null>
  /** Calls `stop` when the process is told to end; a second signal ends it at once. */
  onStop: (stop: () => void) => void
  /** Calls `reload` on SIGHUP, which then no longer ends the process. */
  onReload: (reload: () => void) => void
  /** Whether the program starts again when a file of its source changes. */
  isWatched?: boolean
  exit: (code: number) => void
}

/**
 * A sentence that names commands as `"keyhall …"`, with the way in which this program was started
 * instead.
 */
export const asRun = (sentence: string, { program }: Pick<Terminal, 'program'>) =>
  sentence.replaceAll('"keyhall ', () => `"${program} `)
