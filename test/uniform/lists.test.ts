/** What is true of every list: how it is paged, and the spellings in which it is asked. */
import { beforeAll, describe, expect, test } from 'bun:test'
import type { TSchema } from '../../contract/kit.ts'
import type { Ready } from '../recipe.ts'
import { recipe } from '../recipes.ts'
import { addTenant, onBothEngines } from '../setup.ts'
import { ask, call, expectError, lists, pathOf } from './each.ts'

onBothEngines('lists', (server) => {
  for (const { name, operation } of lists)
    describe(name, () => {
      const query = operation.query.properties as Record<string, TSchema>
      const { minimum, maximum } = query.limit as { minimum: number; maximum: number }
      let ready: Ready
      beforeAll(async () => {
        ready = await recipe(name).prepare(server())
      })
      const search = (text: string) => call(server(), operation, ready, { search: text })

      test('refuses a limit out of its bounds', async () => {
        const [below, above] = await Promise.all([search(`limit=${minimum - 1}`), search(`limit=${maximum + 1}`)])
        expectError(below, 400, { code: 'integer_below_min_value', param: 'limit', message: `>= ${minimum}` })
        expectError(above, 400, { code: 'integer_above_max_value', param: 'limit', message: `<= ${maximum}` })
        expectError(await search('limit=-1'), 400, { code: 'integer_below_min_value', param: 'limit' })
        expectError(await search('limit=x'), 400, { code: 'invalid_type', param: 'limit' })
        expect((await search(`limit=${minimum}`)).status).toBe(200)
        expect((await search(`limit=${maximum}`)).status).toBe(200)
      })

      test('answers 404 for an unknown cursor', async () => {
        const other = await addTenant(server())
        for (const cursor of ['nope', other.owner_id, other.project_id, other.organization_id, '%F0%9F%98%80', '%27'])
          expectError(await search(`after=${cursor}`), 404, { code: 'cursor_not_found', param: 'after' })
      })

      test('takes an empty member for none', async () => {
        const all = await search('')
        expect(all.status).toBe(200)
        for (const member of Object.keys(query)) expect((await search(`${member}=`)).text).toBe(all.text)
      })

      test('ignores members that it does not know', async () => {
        const all = await search('')
        for (const unknown of [
          'unheard_of=1',
          'unheard_of[]=1&b[c]=2',
          '__proto__=1',
          'constructor[a]=1',
          '&&=&',
          '[]=1',
        ])
          expect((await search(unknown)).text).toBe(all.text)
      })

      for (const [member, schema] of Object.entries(query)) {
        const { type } = schema as { type?: string }
        if (type === 'boolean')
          test(`takes ${member} in lower and upper case`, async () => {
            for (const word of ['true', 'false']) {
              const { text, status } = await search(`${member}=${word}`)
              expect(status).toBe(200)
              for (const spelling of [word[0]!.toUpperCase() + word.slice(1), word.toUpperCase()])
                expect((await search(`${member}=${spelling}`)).text).toBe(text)
            }
          })
        if (type === 'array')
          test(`takes ${member} with and without brackets, encoded or not`, async () => {
            // A value that nothing has. Where only some are allowed, it is the last of them, and
            // what it finds is something else than without it.
            const nobody = (schema as { items: { enum?: string[] } }).items.enum?.at(-1) ?? 'nobody'
            const spellings = ['', '[]', '[0]', '%5B%5D', '%5B0%5D'].map((brackets) => `${member}${brackets}=${nobody}`)
            const idsOf = async (text: string) => (await search(text)).json.data.map(({ id }: { id: string }) => id)
            const found = await idsOf(spellings[0]!)
            if (nobody === 'nobody') expect(found).toEqual([])
            else if (found.length > 0) expect(found).not.toEqual(await idsOf(''))
            for (const spelling of [...spellings, `${member}=${nobody}&${member}[]=${nobody}`])
              expect(await idsOf(spelling)).toEqual(found)
          })
      }

      test('has every member of its envelope, also on an empty page', async () => {
        const { json } = await search('limit=1')
        const { data, has_more, first_id, last_id, next } = json
        expect(json.object).toBe('list')
        if ('next' in json) expect(has_more ? typeof next : next).toBe(has_more ? 'string' : null)
        else expect([first_id, last_id]).toEqual([data[0]?.id ?? null, data.at(-1)?.id ?? null])
        if (data.length === 0) expect(has_more).toBe(false)
        const beyond = await walk(server, pathOf(operation, ready.params))
        const past = await search(`after=${beyond.at(-1)?.id ?? ''}`)
        expect(past.json).toMatchObject({ data: [], has_more: false })
        expect('next' in past.json ? past.json.next : past.json.last_id).toBe(null)
      })
    })
})

async function walk(server: () => Parameters<typeof ask>[0], path: string) {
  const seen: { id: string }[] = []
  for (let after = ''; ;) {
    const { json } = await ask(server(), 'GET', path, { search: `limit=1&after=${after}` })
    seen.push(...json.data)
    if (!json.has_more) return seen
    after = json.next ?? json.last_id
  }
}
