/** Programs that a release runs: git, npm and tar. */
import { join } from 'node:path'

export const root = join(import.meta.dir, '../..')

/** Runs a program in a folder and answers what it prints. Throws what it says when it fails. */
export function run(command: string[], cwd = root): string {
  const env = { ...process.env, npm_config_update_notifier: 'false' }
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  if (exitCode !== 0)
    throw new Error(`"${command.join(' ')}" failed: ${String(stderr).trim() || String(stdout).trim() || exitCode}`)
  return String(stdout)
}

export const git = (...args: string[]) => run(['git', ...args]).trim()

/** Throws when there are changes that no commit has. */
export function requireCleanTree() {
  const changed = run(['git', 'status', '--porcelain']).split('\n').filter(Boolean)
  if (changed.length > 0)
    throw new Error(`the tree has changes that are not committed: ${changed.map((line) => line.slice(3)).join(', ')}.`)
}

/** Runs the main part of a script, and ends its failure in one sentence. */
export async function main(name: string, action: () => Promise<void>) {
  try {
    await action()
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(1)
  }
}
