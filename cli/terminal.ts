/** What a command may know of the process it runs in. Passed in, so that commands have no other way to the outside. */
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
  /** How wide the terminal is; without end when it is none. */
  columns: number
  /** How many columns a text takes. */
  width: (text: string) => number
  /** What to write in front of a command to run this very program: `npx keyhall`, or the path of the executable. */
  program: string
  /** Calls `stop` when the process is told to end; a second signal ends it at once. */
  onStop: (stop: () => void) => void
  /** Calls `reload` on SIGHUP, which then no longer ends the process. */
  onReload: (reload: () => void) => void
  exit: (code: number) => void
}
