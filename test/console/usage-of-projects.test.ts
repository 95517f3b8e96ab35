/** Usage for owners of a project and for members: theirs, and nothing of anybody else. */
import { beforeAll, expect, test } from 'bun:test'
import { make } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'
import { cellsOf, count, isPlotted, script, use, type Used } from './used.ts'

inConsole('usage of projects', (console) => {
  let used: Used
  let owner: string
  beforeAll(async () => {
    const { server } = console()
    used = await use(server)
    owner = await newPerson(server, { name: 'Olga Owner', project_id: used.project_id, project_role: 'owner' })
    const limit = { threshold_amount: 5000, currency: 'USD', interval: 'month' } as const
    await server.client.admin.organization.projects.spendLimit.update(used.project_id, limit)
  })

  test('an owner of a project sees all of it with names and the budget, and nothing of others', async () => {
    const { open } = console()
    const page = await open('/usage?measure=requests&group_by=person', { as: owner })
    await page.getByRole('rowheader', { name: `Ann ${script}` }).waitFor()
    await page.getByRole('rowheader', { name: 'nightly' }).waitFor()
    expect((await cellsOf(page, 'Sums')).map(([name, requests]) => [name, count(requests)])).toEqual([
      ['All', 7],
      [`Ann ${script}`, 6],
      ['nightly', 1],
    ])
    expect(await page.getByRole('combobox', { name: 'Project' }).count()).toBe(0)
    await page.getByText('US$50.00 a month.').waitFor()
    expect(await page.getByRole('button', { name: /budget|alert/ }).count()).toBe(0)
    await expectGoodLooks(page)
    await page.getByLabel('Show').selectOption('cost')
    await page.getByText('Budget of a month').waitFor()
    await isPlotted(page, 'danger')
    await page.getByLabel('Used by').selectOption('me')
    await page.getByText('Nothing was used in this time').waitFor()
    expect(await page.getByText('US$50.00 a month.').count()).toBe(0)
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test('an owner of two projects sees both, or one of them', async () => {
    const { server, open } = console()
    const id = await newPerson(server, { name: 'Two', project_id: used.project_id, project_role: 'owner' })
    const at = `/organization/projects/${server.project_id}/users`
    expect((await server.request('POST', at, { user_id: id, role: 'owner' })).status).toBe(200)
    const page = await open('/usage', { as: id })
    await page.getByRole('rowheader', { name: 'Default project' }).waitFor()
    expect((await cellsOf(page, 'Sums')).map(([name, input]) => [name, count(input)])).toEqual([
      ['All', 1_341_578],
      [`=Ranking ${script}`, 1_241_578],
      ['Default project', 100_000],
    ])
    await page.getByRole('combobox', { name: 'Project' }).fill('Default')
    await page.getByRole('option', { name: 'Default project' }).click()
    await page.getByText('None: spending is not limited.').waitFor()
    await page.getByRole('rowheader', { name: `=Ranking ${script}` }).waitFor({ state: 'detached' })
    expect((await cellsOf(page, 'Sums')).map(([name]) => name)).toEqual(['All', 'Default project'])
  })

  test('whose address names a project of others sees all of their own, and no refusal', async () => {
    const { server, open } = console()
    const elsewhere = await newProject(server, 'Of others')
    const id = await newPerson(server, { name: 'Three', project_id: used.project_id, project_role: 'owner' })
    const at = `/organization/projects/${server.project_id}/users`
    expect((await server.request('POST', at, { user_id: id, role: 'owner' })).status).toBe(200)
    const page = await open(`/usage?project_id=${elsewhere}`, { as: id })
    await page.getByRole('rowheader', { name: 'Default project' }).waitFor()
    expect((await cellsOf(page, 'Sums')).map(([name]) => name)).toEqual([
      'All',
      `=Ranking ${script}`,
      'Default project',
    ])
    expect(await page.getByRole('combobox', { name: 'Project' }).inputValue()).toBe('')
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test('the owner of one project sees that one, whichever project the address names', async () => {
    const { server, open } = console()
    const page = await open(`/usage?measure=requests&group_by=person&project_id=${server.project_id}`, { as: owner })
    await page.getByRole('rowheader', { name: `Ann ${script}` }).waitFor()
    await page.getByRole('heading', { name: `Budget of =Ranking ${script}` }).waitFor()
    expect(await page.getByRole('combobox', { name: 'Project' }).count()).toBe(0)
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test('a member is shown no limits of a project without a role in it, and no refusal', async () => {
    const { server, open } = console()
    const page = await open(`/usage?project_id=${server.project_id}`, { as: used.ann })
    await page.getByText('Nothing was used in this time').waitFor()
    await page.getByLabel('Show').selectOption('cost')
    await page.getByText('Nothing was used in this time').waitFor()
    expect(await page.getByRole('heading', { name: 'Limits' }).count()).toBe(0)
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test('nobody is told that there is no budget who may not know it', async () => {
    const { server, open } = console()
    const user_id = await newPerson(server, { name: 'Uma', project_id: used.project_id })
    const role = { role_name: 'usage readers', permissions: ['api.usage.read'] }
    const { id: role_id } = await make(server, '/organization/roles', role)
    await make(server, `/organization/users/${user_id}/roles`, { role_id })
    const page = await open(`/usage?project_id=${used.project_id}`, { as: user_id })
    await page.getByRole('table', { name: 'Sums' }).waitFor()
    expect(await page.getByText(/Budget of|not limited/).count()).toBe(0)
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test('an owner of a project finds it on the tab of the project too', async () => {
    const { server, open } = console()
    const page = await open(`/projects/${used.project_id}?tab=usage&interval=hour&measure=cost`, { as: owner })
    await page.getByRole('table', { name: 'By hour' }).waitFor()
    await page.getByRole('rowheader', { name: `Ann ${script}` }).waitFor()
    await isPlotted(page, 'danger')
    expect(await page.getByRole('combobox', { name: 'Project' }).count()).toBe(0)
    const groupings = await page.getByLabel('By', { exact: true }).locator('option').allTextContents()
    expect(groupings).toEqual(['Person', 'Key', 'Model'])
    await expectGoodLooks(page)
    await page.getByLabel('By', { exact: true }).selectOption('model')
    await page.getByRole('rowheader', { name: 'qwen, large' }).waitFor()
    expect(new URL(page.url()).searchParams.get('tab')).toBe('usage')
    const all = await open(`/projects/${used.project_id}?tab=usage`, { as: server.owner_id })
    await all.getByRole('rowheader', { name: `Ann ${script}` }).waitFor()
  })

  test('a member sees what they used themselves, from My keys on', async () => {
    const { open } = console()
    const page = await open('/my-keys', { as: used.ann })
    await page.getByRole('link', { name: 'See what they used' }).click()
    await page.getByRole('rowheader', { name: `=Ranking ${script}` }).waitFor()
    await page.getByText('What your keys used').waitFor()
    expect(await page.getByText('estimated').count()).toBe(0)
    const [all, ranking, ...more] = await cellsOf(page, 'Sums')
    expect(more).toEqual([])
    expect(all!.slice(1).map(count)).toEqual([1_241_567, 1000, 89, 1_241_656, 6])
    expect(ranking!.slice(1)).toEqual(all!.slice(1))
    await page.getByRole('heading', { name: 'now' }).waitFor()
    await page.getByRole('table', { name: 'Limits now' }).or(page.getByText('No model is limited')).waitFor()
    for (const label of ['Used by', 'Budget']) expect(await page.getByText(label).count()).toBe(0)
    await expectGoodLooks(page)
    await page.getByLabel('Show').selectOption('cost')
    await page.getByRole('rowheader', { name: 'All', exact: true }).waitFor()
    await page.waitForFunction(() => document.body.textContent!.includes('3.000000028'))
    expect(await page.getByRole('alert').count()).toBe(0)
    const [, person] = await Promise.all([
      page.getByLabel('By', { exact: true }).selectOption('model'),
      page.getByLabel('By', { exact: true }).locator('option', { hasText: 'Person' }).count(),
    ])
    expect(person).toBe(0)
  })
})
