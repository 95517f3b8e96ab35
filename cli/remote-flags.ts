/** The flags that commands over the network have beside those of their operation. */
import type { Flag } from './arguments.ts'
import { callOf } from '../client/client-call.ts'
import type { Command } from './commands.ts'

export const outputs = ['json', 'jsonl', 'table', 'csv'] as const
export type Output = (typeof outputs)[number]

/**
 * Whether a command takes away something that nobody can bring back: then somebody at a terminal is
 * asked first.
 */
export const isFinal = ({ path, operation }: Command) => operation.method === 'DELETE' || path.at(-1) === 'archive'

/** Whether it reads a list: what changes several objects answers them in an envelope, too. */
export const isList = ({ operation }: Command) => operation.method === 'GET' && callOf(operation).isList

export const remoteFlags = (command: Command): Flag[] => [
  {
    name: 'output',
    short: 'o',
    value: outputs.join('|'),
    values: outputs,
    about: 'How the answer is printed.',
    notes: ['default: table on a terminal, else json'],
  },
  {
    name: 'field',
    value: 'NAME',
    about: 'Prints only this member, for scripts: --field id, --field api_key.value.',
  },
  ...(isList(command) ? listFlags : []),
  ...(isFinal(command) ? [yesFlag] : []),
  {
    name: 'base-url',
    value: 'URL',
    about: 'Where the server is; ends in /v1.',
    notes: ['OPENAI_BASE_URL', 'default: http://127.0.0.1:4100/v1'],
  },
]

const listFlags: Flag[] = [
  { name: 'all', value: null, about: 'Walks all pages; --limit is then the size of a page.' },
  {
    name: 'columns',
    value: 'NAME,…',
    repeats: true,
    about: 'The columns of a table or of csv, in this order.',
    notes: ['default: the most useful ones; on a narrow terminal the last are left out'],
  },
]

const yesFlag: Flag = {
  name: 'yes',
  short: 'y',
  value: null,
  about: 'Asks no question. In a script or pipe none is asked anyway.',
}
