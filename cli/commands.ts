/**
 * The commands that are derived from the contract: `projects.apiKeys.list` is `keyhall projects
 * api-keys list`.
 */
import { contract, operations } from '../contract/index.ts'
import type { Operation } from '../contract/kit.ts'

export interface Command {
  path: readonly string[]
  operation: Operation
}

export const kebab = (name: string) =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase()

export const commands: readonly Command[] = [
  ...operations.map(({ name, operation }) => ({ path: name.split('.').map(kebab), operation })),
  // In fewer words, because it is asked so often.
  { path: ['limits'], operation: contract.admin.organization.projects.limits.retrieve },
]

export const startsWith = (path: readonly string[], start: readonly string[]) =>
  start.every((word, index) => path[index] === word)

/**
 * What can stand after these words: the names of resources and operations below them, in the
 * contract's order.
 */
export function namesBelow(start: readonly string[]): string[] {
  const below = commands.filter(({ path }) => path.length > start.length && startsWith(path, start))
  return [...new Set(below.map(({ path }) => path[start.length]!))]
}

export const commandAt = (words: readonly string[]) =>
  commands.find(({ path }) => path.length === words.length && startsWith(path, words))
