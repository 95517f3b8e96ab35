/**
 * One pager for all lists: what lies after, before and between cursors is the same for a table and
 * for rows in memory.
 */
import { beforeAll, expect, test } from 'bun:test'
import { memoryList } from '../../database/memory-list.ts'
import { readPage, type Page, type PageQuery } from '../../database/pager.ts'
import { listOf } from '../../database/table-list.ts'
import { newProject } from '../made.ts'
import { onBothEngines } from '../setup.ts'

const table = listOf('projects', ['organization_id'], (item) => item.selectAll().where('item.is_default', '=', 0))

/** What a page should be, by the plainest way: `ids` are in ascending order. */
function expected(ids: readonly string[], { after, before, limit = 20, order = 'desc' }: PageQuery): Page<string> {
  const all = order === 'asc' ? [...ids] : ids.toReversed()
  const between = all.slice(after ? all.indexOf(after) + 1 : 0, before ? all.indexOf(before) : undefined)
  const data = before && !after ? between.slice(Math.max(0, between.length - limit)) : between.slice(0, limit)
  const [first_id, last_id] = [data[0] ?? null, data.at(-1) ?? null]
  return { object: 'list', data, first_id, last_id, has_more: limit > 0 && between.length > data.length }
}

onBothEngines('a page', (server) => {
  const ids: string[] = []
  beforeAll(async () => {
    for (let n = 0; n < 7; n++) {
      // Two of a second, so that ids decide too.
      if (n % 2 === 0) server().world.ahead += 1
      ids.push((await newProject(server())).id)
    }
    const rows = await server().database.read.selectFrom('projects').select(['id', 'created_at']).execute()
    const at = new Map(rows.map(({ id, created_at }) => [id, created_at]))
    ids.sort((one, other) => at.get(one)! - at.get(other)! || (one < other ? -1 : 1))
  })

  const lists = {
    table: (query: PageQuery) =>
      table.page(server().database.read, { organization_id: server().organization_id }, query, ({ id }) => id),
    memory: (query: PageQuery) => {
      const isNamed = (row: string, id: string) => row === id
      return readPage(memoryList({ rows: ids, idOf: (id) => id, isNamed, isShown: () => true }), query, (id) => id)
    },
  }

  for (const [name, page] of Object.entries(lists)) {
    test(`of a list in ${name} has the rows after, before and between any two cursors, in both orders`, async () => {
      for (const order of ['asc', 'desc'] as const)
        for (const after of [null, ...ids])
          for (const before of [null, ...ids])
            for (const limit of [1, 3, 20]) {
              const query = { after, before, limit, order }
              expect({ query, page: await page(query) }).toEqual({ query, page: expected(ids, query) })
            }
    }, 30_000)

    test(`of a list in ${name} refuses a cursor that it never had, and names it`, async () => {
      for (const param of ['after', 'before'] as const) {
        const refused = await page({ [param]: 'proj_none' }).then(String, (error) => error)
        expect(refused).toMatchObject({ cursor: 'proj_none', param })
      }
      const refused = await page({ after: ids[0]!, before: 'proj_none' }).then(String, (error) => error)
      expect(refused).toMatchObject({ cursor: 'proj_none', param: 'before' })
    })
  }
})
