/** The version of Keyhall, from package.json. */
import packageFile from '../package.json' with { type: 'json' }

export const version: string = packageFile.version
