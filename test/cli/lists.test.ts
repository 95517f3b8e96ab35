/** What a list looks like, to a script and on a terminal. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { onNetwork, onTerminal } from './network.ts'

const { server, command, json } = onNetwork()

describe('lists', () => {
  const names = Array.from({ length: 25 }, (_, index) => `robot ${index}`)
  let project: { id: string }
  beforeAll(async () => {
    project = await server().client.admin.organization.projects.create({ name: 'Listed' })
    for (const name of names)
      await server().client.admin.organization.projects.serviceAccounts.create(project.id, { name })
  })
  const list = (flags = '') => `projects service-accounts list --project-id ${project.id} ${flags}`.trim()

  test('print one member alone, as a script wants it', async () => {
    const { id } = project
    expect((await command(`projects retrieve ${id} --field id`)).out).toBe(`${id}\n`)
    expect((await command(`projects retrieve ${id} --field archived_at`)).out).toBe('null\n')
  })

  test('print one page as the server sent it, or all pages as one', async () => {
    const page = await json(list('--limit 10'))
    expect(page).toEqual(
      await (await server().request('GET', `/organization/projects/${project.id}/service_accounts?limit=10`)).json(),
    )
    const all = await json(list('--limit 10 --all'))
    expect(all.data.map(({ name }: { name: string }) => name)).toEqual(names.toReversed())
    expect(all).toMatchObject({ has_more: false, first_id: all.data[0].id, last_id: all.data.at(-1).id })
    const lines = await command(list('--limit 10 --all --output jsonl'))
    expect(
      lines.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(all.data)
    expect(lines.err).toBe('')
    const ids = await command(list('--limit 10 --all --field id'))
    expect(ids.out.trimEnd().split('\n')).toEqual(all.data.map(({ id }: { id: string }) => id))
    const empty = await server().client.admin.organization.projects.create({ name: 'Empty' })
    expect(await json(`projects api-keys list --project-id ${empty.id}`)).toEqual({
      object: 'list',
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    })
  })

  test('are a table on a terminal, with what comes next and how far it is', async () => {
    const page = await command(list('--limit 2'), onTerminal())
    const [head, first] = page.out.split('\n')
    expect(head).toMatch(/^ID +NAME +ROLE +CREATED$/)
    expect(first).toMatch(/^user-\w+ +robot 24 +member +\d{4}-\d\d-\d\d \d\d:\d\d$/)
    expect(page.err).toMatch(/^There are more: --all shows them, --after user-\w+ the next page\.\n$/)
    const all = await command(list('--limit 10 --all'), onTerminal())
    expect(all.out.trimEnd().split('\n')).toHaveLength(26)
    expect(all.err).toBe('\r10 so far …\u001b[K\r20 so far …\u001b[K\r\u001b[K')
  })

  test('fit a narrow terminal without cutting the id', async () => {
    const line = `projects api-keys list --project-id ${project.id} --limit 5`
    for (const columns of [160, 100, 80, 60]) {
      const { out } = await command(line, onTerminal(columns))
      const rows = out.trimEnd().split('\n')
      expect(rows).toHaveLength(6)
      for (const row of rows) expect(Bun.stringWidth(row)).toBeLessThanOrEqual(columns)
      expect(rows[1]).toMatch(/^key_\w+ /)
      expect(rows[0]).toMatch(/^ID +NAME/)
    }
    const wide = (await command(line, onTerminal(200))).out
    expect(wide).toContain('LAST USED')
    expect(wide).toMatch(/sk-svcacct-\.\.\.\w{4}/)
    expect(wide).toContain('robot 24 (service account)')
  })

  test('do not let names of others steer the terminal', async () => {
    const name = 'red \u001b[31m \u009b31m \u202etxt'
    const { id } = await server().client.admin.organization.projects.create({ name })
    const shown = await command(`projects retrieve ${id}`, onTerminal())
    expect(shown.out).toContain('red \ufffd[31m \ufffd31m \ufffdtxt')
    const { out } = await command(`projects retrieve ${id}`)
    // oxlint-disable-next-line no-control-regex -- that they are absent is what is tested
    expect(out).not.toMatch(/[\u001b\u009b\u202e]/)
    expect(JSON.parse(out).name).toBe(name)
  })
})
