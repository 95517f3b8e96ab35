/** What a list looks like, to a script and on a terminal. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { csv } from '../../cli/csv.ts'
import { addPerson } from '../setup.ts'
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

  test('are lists by whatever name the official SDK calls them', async () => {
    const rows = await command(`projects rate-limits list-rate-limits --project-id ${project.id} --all --output csv`)
    const [head, ...models] = rows.out.trimEnd().split('\r\n')
    expect(head).toStartWith('id,model,max_requests_per_1_minute,')
    expect(models[0]).toStartWith('rl-')
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
    expect(head).toMatch(/^NAME +ID +ROLE +CREATED$/)
    expect(first).toMatch(/^robot 24 +user-\w+ +member +\d{4}-\d\d-\d\d \d\d:\d\d$/)
    expect(page.err).toMatch(/^There are more: --all shows them, --after user-\w+ the next page\.\n$/)
    const all = await command(list('--limit 10 --all'), onTerminal())
    expect(all.out.trimEnd().split('\n')).toHaveLength(26)
    expect(all.err).toBe('\r10 so far …\u001b[K\r20 so far …\u001b[K\r\u001b[K')
  })

  test('show at 80 columns what one looks for in a list of keys: name, owner, last use, expiry', async () => {
    const line = `projects api-keys list --project-id ${project.id} --limit 5`
    for (const columns of [160, 100, 80, 60, 20]) {
      const { out } = await command(line, onTerminal(columns))
      const rows = out.trimEnd().split('\n')
      expect(rows).toHaveLength(6)
      for (const row of rows) expect(Bun.stringWidth(row)).toBeLessThanOrEqual(columns)
      if (columns >= 80) expect(rows[0]).toMatch(/^NAME +OWNER +LAST USED +EXPIRES/)
    }
    const [head, first] = (await command(line, onTerminal(220))).out.split('\n')
    expect(head).toMatch(/^NAME +OWNER +LAST USED +EXPIRES +REDACTED VALUE +CREATED +ID +OWNER PROJECT ACCESS$/)
    expect(first).toMatch(
      /^Secret Key +robot 24 \(service account\) +never +never +sk-svcacct-\.\.\.\w{4} +\S+ \S+ +key_\w+ +active$/,
    )
  })

  test('name the project of each key, and people without saying that they are people', async () => {
    const person = await addPerson(server(), { id: 'user-listed', email: 'ann@example.com', project_id: project.id })
    await json(
      `projects api-keys create --project-id ${project.id} --user-id ${person} --name laptop --expires-in-seconds 30d`,
    )
    const line = `api-keys list --owner-ids ${person}`
    const [head, row] = (await command(line, onTerminal(100))).out.split('\n')
    expect(head).toMatch(/^NAME +PROJECT +OWNER +LAST USED +EXPIRES/)
    expect(row).toMatch(/^laptop +Listed +ann@example.com +never +\d{4}-\d\d-\d\d \d\d:\d\d/)
  })

  test('show at 80 columns when something was done, by whom, what and to what', async () => {
    const { id } = await server().client.admin.organization.projects.create({ name: 'Seen' })
    const [head, row] = (await command(`audit-logs list --resource-ids ${id}`, onTerminal(120))).out.split('\n')
    expect(head).toMatch(/^EFFECTIVE +ACTOR +TYPE +TARGET/)
    expect(row).toMatch(new RegExp(`^\\S+ \\S+ +owner@example.com +project.created +${id.slice(0, 10)}`))
    const narrow = (await command(`audit-logs list --resource-ids ${id}`, onTerminal(80))).out
    expect(narrow).toMatch(/^EFFECTIVE +ACTOR +TYPE +TARGET/)
  })

  test('show the columns that are asked for, as they are written in the contract, in flags or in the head', async () => {
    const line = ['projects', 'list', '--limit', '1', '--columns', 'id,created-at', '--columns', 'Archived']
    const { out } = await command(line)
    const [head, row] = out.split('\n')
    expect(head).toMatch(/^ID +CREATED +ARCHIVED$/)
    expect(row).toMatch(/^proj_\w+ +\d{4}-\d\d-\d\d \d\d:\d\d +-$/)
    const inner = await command(`projects api-keys list --project-id ${project.id} --columns owner.type --limit 30`)
    expect(inner.out).toContain('OWNER TYPE\n')
    expect(inner.out).toContain('service_account\n')
    expect(await command('projects list --columns colour')).toEqual({
      code: 2,
      out: '',
      err: expect.stringContaining('--columns must be some of name, id, status, '),
    })
    expect((await command('projects list --columns id --output json')).code).toBe(2)
  })

  test('are a file for a spreadsheet, in which no name is a formula', async () => {
    const made = await server().client.admin.organization.projects.create({ name: '=1+1, "two"' })
    const created = new Date(made.created_at * 1000).toISOString().replace('.000Z', 'Z')
    const { out, err } = await command('projects list --limit 1 --output csv --columns name,id,created_at,archived_at')
    expect({ out, err }).toEqual({
      out: `name,id,created_at,archived_at\r\n"'=1+1, ""two""",${made.id},${created},\r\n`,
      err: '',
    })
    for (const name of ['+1', '-1', '@sum', '\t=1']) expect(csv([{ name }], ['name'])).toBe(`name\r\n'${name}\r\n`)
    expect(csv([{ name: 'two\nlines' }], ['name'])).toBe('name\r\n"two\nlines"\r\n')
    const empty = await server().client.admin.organization.projects.create({ name: 'No keys' })
    const none = await command(`projects api-keys list --project-id ${empty.id} --output csv`)
    expect(none.out).toBe('name,owner,last_used_at,expires_at,redacted_value,created_at,id,owner_project_access\r\n')
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
