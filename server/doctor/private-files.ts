/** Whether other users of this machine can read secrets, or write where the server does. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { sqlitePath } from '../back-up.ts'
import { isReadableByOthers, quoted, readableByOthers } from '../warnings.ts'
import { check, ok, problem, warning, type Finding } from './finding.ts'

export const privateFiles = check({
  name: 'files',
  settings: [
    'database',
    'database_file',
    'pepper',
    'pepper_file',
    'revocations_file',
    'admin_key_file',
    'smtp_url_file',
    'upstream_api_key_file',
    'oidc_client_secret_file',
    'first_key_file',
    'tls_key',
    'config',
  ],
  late: 'Look whether the disk with the files of Keyhall answers.',
  look(config) {
    const { database, revocations_file, config: file } = config
    const folders = new Set([sqlitePath(database), revocations_file].flatMap((path) => (path ? [dirname(path)] : [])))
    const findings = [
      ...readableByOthers(config).map(problem),
      ...(file === null ? [] : gatewayFile(file)),
      ...[...folders].flatMap(folder),
    ]
    return findings.length > 0 ? findings : [ok('No other user can read the secrets or change the data.')]
  },
})

/** A secret that stands in the file itself, not in a variable that it names. */
const WRITTEN_SECRET = /^[^#\n]*\b(api_key|client_secret|webhook_secret)["']?\s*:\s*["']?(?!["']?\$\{)[^\s"'#]/m

function gatewayFile(path: string): Finding[] {
  if (process.platform === 'win32' || !existsSync(path) || !isReadableByOthers(path)) return []
  const [, name] = WRITTEN_SECRET.exec(readFileSync(path, 'utf8')) ?? []
  if (name === undefined) return []
  return [
    problem(
      `${path} can be read by other users of this machine, and has a secret (${name}); write \${NAME} there to take it from the environment, or run "chmod 600 ${quoted(path)}".`,
    ),
  ]
}

/** Where the server makes files. */
function folder(path: string): Finding[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return [warning(`The folder ${path} does not exist yet; the first start makes it.`)]
  const findings: Finding[] = []
  // With the sticky bit nobody can replace the files of others.
  if (process.platform !== 'win32' && (stat.mode & 0o022) !== 0 && (stat.mode & 0o1000) === 0)
    findings.push(
      problem(`Other users of this machine can replace files in ${path}; "chmod go-w ${quoted(path)}" prevents that.`),
    )
  try {
    accessSync(path, constants.W_OK)
  } catch {
    findings.push(
      problem(
        `This user cannot write to ${path}; run this as the user of the server, or give that user the folder with "chown".`,
      ),
    )
  }
  return findings
}
