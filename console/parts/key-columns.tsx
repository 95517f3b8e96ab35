/** The columns that lists of keys share. */
import type { Column } from './data-table.tsx'
import { hrefOf } from '../place.ts'
import { DateTime } from './date-time.tsx'

interface Key {
  name: string | null
  redacted_value: string
  created_at: number
  last_used_at: number | null
  expires_at: number | null
}

export const keyName: Column<Pick<Key, 'name'>> = {
  title: 'Name',
  cell: ({ name }) => name || <span class="faint">Without a name</span>,
}

/** The name as a link to the page of the key. */
export const linkedKeyName = <Row extends Pick<Key, 'name'> & { id: string }>(
  projectOf: (key: Row) => string,
): Column<Row> => ({
  title: 'Name',
  cell: (key) => (
    <a href={hrefOf(`/projects/${encodeURIComponent(projectOf(key))}/keys/${encodeURIComponent(key.id)}`)}>
      {key.name || 'Without a name'}
    </a>
  ),
})

/** Beside the owner of a key who may not use it any more: it opens nothing. */
export const LostAccess = () => <span class="badge">Has lost access</span>

export const redactedValue: Column<Pick<Key, 'redacted_value'>> = {
  title: 'Key',
  cell: ({ redacted_value }) => <code>{redacted_value}</code>,
}

export const created: Column<Pick<Key, 'created_at'>> = {
  title: 'Created',
  cell: ({ created_at }) => <DateTime at={created_at} isDay />,
}

export const lastUsed: Column<Pick<Key, 'last_used_at'>> = {
  title: 'Last used',
  cell: ({ last_used_at }) => <DateTime at={last_used_at} none="Never" isDay />,
}

export const expires: Column<Pick<Key, 'expires_at'>> = {
  title: 'Expires',
  cell: ({ expires_at }) => <DateTime at={expires_at} none="Never" isDay />,
}
