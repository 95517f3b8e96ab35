/** The sources of an older commit, taken out of git. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dir, '../..')

const git = (...args: string[]) => {
  const { exitCode, stdout } = Bun.spawnSync(['git', ...args], { cwd: root, stderr: 'ignore' })
  return exitCode === 0 ? stdout.toString().trim() : null
}

/** Whether the history of this clone goes back to that commit. */
export const hasCommit = (revision: string) =>
  existsSync(join(root, '.git')) && git('cat-file', '-e', `${revision}^{commit}`) !== null

export function treeOf(revision: string, tree: string): { tree: string; commit: string } {
  const commit = git('rev-parse', `${revision}^{commit}`)
  mkdirSync(tree, { recursive: true })
  const archive = join(tree, 'tree.tar')
  const taken = commit && git('archive', '--output', archive, commit) !== null
  if (!taken || Bun.spawnSync(['tar', '-xf', archive], { cwd: tree }).exitCode !== 0)
    throw new Error(`The commit ${revision} cannot be taken out of git.`)
  return { tree, commit }
}
