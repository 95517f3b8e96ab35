/** The databases that older versions wrote, as they are kept; and how one of an engine is made. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { base62 } from '../../world/random.ts'
import { makeKey } from '../../keys/format.ts'
import { Secret } from '../../world/secret.ts'
import { derivedBytes, pepperHex } from './derived.ts'
import { MODEL, type Made } from './story.ts'

/** A value of a column; bytes are hexadecimal digits. */
export type Value = string | number | null | { hex: string }

export interface Fixture {
  version: string
  /** The commit whose server wrote the database. */
  commit: string
  /** Seconds: the clock of that server when it stopped. */
  ended_at: number
  migrations: string[]
  rows: Record<string, { columns: string[]; rows: Value[][] }>
  /** What that server said of each key, as a status, before it stopped. */
  secrets: (Made & { status: number })[]
  /** What that server listed, by path: the members of each item that are plain. */
  lists: Record<string, Record<string, Value>[]>
}

const folder = join(import.meta.dir, 'databases')

export const fixtures: Fixture[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .toSorted()
  .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Fixture)

/** The value of a key, or the token of an invite. */
export function secretOf({ kind, n }: Pick<Made, 'kind' | 'n'>): string {
  const random = (size: number) => derivedBytes(size, n)
  if (kind === 'invite') return base62(random, 43)
  return makeKey(kind, random, new Secret(new Uint8Array(Buffer.from(pepperHex, 'hex'))))
}

/** What one compares of a list or of an object. */
const members =
  'id user_id group_id name email role status type created_at added_at effective_at expires_at last_used_at redacted_value threshold_amount mode issuer input_tokens output_tokens num_model_requests'.split(
    ' ',
  )

interface Answer {
  data?: Record<string, unknown>[]
}

/** Of each item that an answer lists, in its order, the members that are plain. */
export function plainItems(answer: Answer): Record<string, Value>[] {
  const items = answer.data?.flatMap((item) => (item.results as Record<string, unknown>[] | undefined) ?? [item])
  return (items ?? [answer as Record<string, unknown>]).map((item) =>
    Object.fromEntries(
      members
        .filter((name) => item[name] !== undefined && (item[name] === null || typeof item[name] !== 'object'))
        .map((name) => [name, item[name] as Value]),
    ),
  )
}

/** The configuration of the server that wrote the database, with its model server. */
export const configOf = (upstream: string) => `upstreams:
  - { name: local, base_url: '${upstream}', models: ['${MODEL}'] }
models:
  - { match: ${MODEL}, prices: [{ input: 2.50, output: 10 }], context_tokens: 128000, max_output_tokens: 8192 }
`
