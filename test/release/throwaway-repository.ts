/** A repository of its own with the files of this tree, in which a test can commit and release. */
import { cpSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { folder, run } from '../cli/command.ts'

const root = join(import.meta.dir, '../..')

/**
 * Copies the files that a clone would have if everything here were committed; those that `isWanted`
 * takes.
 */
export function copySources(to: string, isWanted: (file: string) => boolean = () => true) {
  const listed = Bun.spawnSync(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  for (const file of new Set(String(listed.stdout).split('\0').filter(Boolean)))
    if (isWanted(file)) cpSync(join(root, file), join(to, file), { force: true })
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'))
}

/** The files are committed on one branch, at a fixed time and by nobody. */
export async function throwawayRepository() {
  const home = folder()
  const path = join(home.path, 'repository')
  copySources(path)
  const person = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.com' }
  const time = '2026-11-27T00:00:00Z'
  const env = {
    ...person,
    HOME: home.path,
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.com',
    GIT_AUTHOR_DATE: time,
    GIT_COMMITTER_DATE: time,
    GIT_CONFIG_NOSYSTEM: '1',
  }
  const git = (...args: string[]) => run(args, { program: ['git'], cwd: path, env })
  await git('init', '--quiet', '--initial-branch=main')
  // node_modules is a link here, and .gitignore means it all the same.
  await git('add', '--all')
  await git('commit', '--quiet', '--message', 'all')
  return {
    path,
    git,
    script: (name: string, args: string[], more: Record<string, string> = {}) =>
      run([join(path, `scripts/${name}.ts`), ...args], {
        program: [process.execPath],
        cwd: path,
        env: { ...env, ...more },
      }),
    remove() {
      rmSync(join(path, 'node_modules'))
      home.remove()
    },
  }
}
