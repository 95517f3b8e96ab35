/** What a start warns of: settings that do not exist, and files that others can read. */
import { statSync } from 'node:fs'
import { sqlitePath } from '../database/sqlite-address.ts'
import { suggestion } from '../world/suggestion.ts'
import type { Terminal } from '../world/terminal.ts'
import { settings, type Config } from './config.ts'
import { fileOfSecret } from './resolve-settings.ts'

/** One sentence for each problem. */
export function warnings(config: Config, { environment }: Pick<Terminal, 'environment'>): string[] {
  return [...unknownVariables(environment), ...readableByOthers(config)]
}

const PREFIX = 'KEYHALL_'

const known = Object.values(settings).map(({ env }) => env.slice(PREFIX.length))

/**
 * Variables that are not settings: those of the test suite, and those that Kubernetes sets for a
 * service named keyhall.
 */
const foreign = /^(TEST_|SERVICE_|PORT_\d)/

/** One sentence for each. */
export function unknownVariables(environment: Terminal['environment']): string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length))
    .filter((name) => !known.includes(name) && !foreign.test(name))
    .map((name) => {
      const meant = suggestion(name, known)
      const question = meant === undefined ? '' : ` Did you mean ${PREFIX}${meant}?`
      return `There is no setting ${PREFIX}${name}, so it has no effect.${question}`
    })
}

type Files = Pick<Config, 'database' | 'pepper' | 'pepper_file' | 'tls_key' | (typeof secretFileNames)[number]>

/** One sentence for each, with what to do. */
export function readableByOthers(config: Files): string[] {
  const { database, pepper, pepper_file, tls_key } = config
  // Windows has no such modes.
  if (process.platform === 'win32') return []
  const file = sqlitePath(database)
  return [
    ...(pepper === null ? [{ what: 'The pepper file', path: pepper_file }] : []),
    ...(file === null ? [] : [{ what: 'The database', path: file }]),
    ...secretFiles(config),
    ...(tls_key === null ? [] : [{ what: 'The TLS key', path: tls_key }]),
  ]
    .filter(({ path }) => !isPrivatePlace(path) && isReadableByOthers(path))
    .map(
      ({ what, path }) =>
        `${what} ${path} can be read by other users of this machine; "chmod 600 ${quoted(path)}" prevents that.`,
    )
}

/**
 * Whether a file lies where containers get their secrets and services of systemd their credentials.
 * Nobody else sees these folders, and the modes of the files in them say nothing.
 */
const isPrivatePlace = (path: string) => /^\/run\/(secrets|credentials)\//.test(path)

/** Those that the operator makes, and the one with the first admin key. */
export const secretFileNames = [
  ...Object.values(fileOfSecret).filter((name) => name !== 'pepper_file'),
  'first_key_file' as const,
]

const secretFiles = (config: Files) =>
  secretFileNames.flatMap((name) =>
    config[name] === null ? [] : [{ what: `The file of ${settings[name].env},`, path: config[name] }],
  )

export function isReadableByOthers(path: string): boolean {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  return (mode & 0o066) !== 0
}

/** A path quoted for a shell. */
export const quoted = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)
