/** Whether other users of this machine can read secrets, or write where the server does. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { sqlitePath } from '../../database/sqlite-address.ts'
import { readGatewayFile } from '../../gateway/config-file.ts'
import { fileContext } from '../file-settings.ts'
import { isReadableByOthers, quoted, readableByOthers, secretFileNames } from '../warnings.ts'
import { check, ok, problem, warning, type Finding, type Host } from './finding.ts'

export const privateFiles = check({
  name: 'files',
  settings: ['database', 'pepper', 'pepper_file', 'revocations_file', 'tls_key', 'config', ...secretFileNames],
  late: 'Look whether the disk with the files of Keyhall answers.',
  look(config, { environment }) {
    const { database, revocations_file, config: file } = config
    const folders = new Set([sqlitePath(database), revocations_file].flatMap((path) => (path ? [dirname(path)] : [])))
    const findings = [
      ...readableByOthers(config).map(problem),
      ...(file === null ? [] : gatewayFile(file, environment)),
      ...[...folders].flatMap(folder),
    ]
    return findings.length > 0 ? findings : [ok('No other user can read the secrets or change the data.')]
  },
})

function gatewayFile(path: string, environment: Host['environment']): Finding[] {
  if (process.platform === 'win32' || !existsSync(path) || !isReadableByOthers(path)) return []
  const { problems } = readGatewayFile(readFileSync(path, 'utf8'), fileContext(environment, null))
  const name = problems.find(({ secret }) => secret !== undefined)?.secret
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
