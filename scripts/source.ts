/** The source as scripts look at it: which files there are, in which rooms, and their comments. */
import { Glob } from 'bun'

export const MOST_COLUMNS = 100

/** True for a file of the product, and not of its tests, benches or scripts. */
export const isProduct = (file: string) => !/^(test|bench|scripts)\//.test(file)

/** All our TypeScript files, as paths from the root of the tree. */
export async function sourceFiles(tree: string): Promise<string[]> {
  const files = await Array.fromAsync(new Glob('**/*.{ts,tsx}').scan({ cwd: tree }))
  return files.filter((file) => !/(^|\/)(node_modules|dist|data)\//.test(file)).toSorted()
}

/** The room of a file: its first folder. */
export const room = (file: string) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '(root)')

/** Lines that are a comment and nothing else. */
export const commentLines = (text: string) =>
  text.split('\n').filter((line) => /^\s*(\/\/|\/\*|\*(\s|\/|$))/.test(line))

/** Comments that tools read, and long addresses, must stay on one line. */
export const isForTools = (line: string) =>
  /(oxlint|eslint|oxfmt|prettier)-|@ts-|^\s*\/\/\/|https?:\/\/\S{60}/.test(line)
