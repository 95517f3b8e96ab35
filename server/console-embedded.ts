/** The console inside the executable: the build of the executable puts the files here. */
import type { ConsoleFiles } from './console-build.ts'

export const embeddedConsole: ConsoleFiles | null = null
