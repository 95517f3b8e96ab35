/** The flags that all commands over the network have beside those of their operation. */
import type { Flag } from './arguments.ts'

export const outputs = ['json', 'jsonl', 'table'] as const
export type Output = (typeof outputs)[number]

export const networkFlags = (isList: boolean): Flag[] => [
  {
    name: 'output',
    short: 'o',
    value: outputs.join('|'),
    about: 'How the answer is printed.',
    notes: ['default: table on a terminal, else json'],
  },
  {
    name: 'field',
    value: 'NAME',
    about: 'Prints this member alone, for scripts: --field id, --field api_key.value.',
  },
  ...(isList
    ? [{ name: 'all', value: null, about: 'Walks all pages; --limit is then the size of a page.' } satisfies Flag]
    : []),
  {
    name: 'base-url',
    value: 'URL',
    about: 'Where the server is.',
    notes: ['OPENAI_BASE_URL', 'default: http://127.0.0.1:4100/v1'],
  },
]
