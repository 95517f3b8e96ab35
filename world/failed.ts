/** How a command ends: its exit codes, and the error that ends one with a sentence. */

/** The exit codes, as `keyhall --help` lists them. */
export const exitCodes = {
  0: 'done',
  1: 'something unexpected, or the host is not in order',
  2: 'wrong usage: a command, flag or setting',
  3: 'not found (404)',
  4: 'refused: no valid key, or a permission is missing (401, 403)',
  5: 'the request is wrong, or conflicts with what is there (400, 409, 422, …)',
  6: 'the server failed (5xx)',
  7: 'the server cannot be reached',
} as const
export type ExitCode = keyof typeof exitCodes

/**
 * A command that cannot go on: the sentence is printed, without a stack, and the process exits with
 * the code.
 */
export class Failed extends Error {
  readonly exitCode: ExitCode
  constructor(message: string, exitCode: ExitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The caller wrote something that the command line does not understand. */
export const wrongUsage = (message: string) => new Failed(message, 2)
