/**
 * Statements are compiled once and kept: one whose builder reads something besides its arguments is
 * found by the tests.
 */
import { expect, test } from 'bun:test'
import { statement } from '../../database/statement.ts'
import { listOf } from '../../database/table-list.ts'
import type { Sql } from '../../database/types.ts'
import { onBothEngines } from '../setup.ts'

const besides =
  /^A statement reads something besides its arguments: it was compiled with .* and is now built with .*\.$/

onBothEngines('a statement', (server) => {
  const read = () => server().database.read
  const scope = () => ({ organization_id: server().organization_id })

  test('that closes over a value throws when the value is another one', async () => {
    let wanted = 'a'
    const closing = statement((sql: Sql, params: { id: string }) =>
      sql.selectFrom('projects').select('name').where('id', '=', params.id).where('name', '=', wanted),
    )
    await closing(read(), { id: 'x' })
    await closing(read(), { id: 'y' })
    wanted = 'b'
    const message = await closing(read(), { id: 'x' }).then(String, (error: Error) => error.message)
    expect(message).toBe(
      'A statement reads something besides its arguments: it was compiled with "a" and is now built with "b".',
    )
  })

  test('of a list that closes over a value throws as well', async () => {
    let wanted = 'a'
    const table = listOf('projects', ['organization_id'], (item) => item.selectAll().where('item.name', '=', wanted))
    await table.page(read(), scope(), {}, ({ name }) => name)
    wanted = 'b'
    const page = table.page(read(), scope(), {}, ({ name }) => name)
    expect(await page.then(String, (error: Error) => error.message)).toMatch(besides)
  })

  test('whose text changes with something besides its variant throws', async () => {
    let column: 'id' | 'name' = 'id'
    const closing = statement((sql: Sql, _: object, { limit }: { limit: number }) =>
      sql.selectFrom('projects').select(column).limit(limit),
    )
    await closing(read(), {}, { limit: 1 })
    column = 'name'
    // Another variant is another statement.
    await closing(read(), {}, { limit: 2 })
    expect(await closing(read(), {}, { limit: 1 }).then(String, (error: Error) => error.message)).toMatch(besides)
  })
})
