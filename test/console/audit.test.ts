/** Owners look into the audit log: by filters, page by page, with details and its proof. */
import { expect, test } from 'bun:test'
import { make } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

const script = '<img src=x onerror=alert(1)>'

inConsole('the audit log', (console) => {
  test('filters stand in the address; details and names stay text', async () => {
    const { server, open } = console()
    const project_id = await newProject(server, `Secret ${script}`)
    await make(server, `/organization/projects/${project_id}/service_accounts`, { name: 'robot' })
    await make(server, '/organization/groups', { name: `Group ${script}` })
    const page = await open('/audit', { as: server.owner_id })
    const table = page.getByRole('table', { name: 'Events' })
    const newest = table.getByRole('row').nth(1)
    await newest.waitFor()
    expect(await newest.textContent()).toContain('Created a group')
    expect(await newest.textContent()).toContain('owner@example.com')
    expect(await newest.textContent()).toContain('192.0.2.1')
    await newest.locator('summary').click()
    expect(await newest.locator('pre').textContent()).toContain(JSON.stringify(`Group ${script}`))
    await expectGoodLooks(page)
    await page.getByLabel('What').selectOption({ label: 'Created a service account' })
    await page.waitForURL(/event=service_account.created/)
    await page.getByRole('combobox', { name: 'Project' }).fill('secret')
    await page.getByRole('option', { name: `Secret ${script}` }).click()
    await page.waitForURL(/project_id=/)
    await page.waitForFunction(() => document.querySelectorAll('table')[0]!.rows.length === 2)
    expect(await newest.textContent()).toContain(`Secret ${script}`)
    await page.reload()
    await newest.waitFor()
    expect(await table.getByRole('row').count()).toBe(2)
    await page.getByLabel('Who').fill('nobody@example.com')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByRole('heading', { name: 'No such event' }).waitFor()
    await page.getByRole('button', { name: 'Show everything' }).click()
    await newest.waitFor()
    expect(new URL(page.url()).search).toBe('')
    expect(await page.getByLabel('Who').inputValue()).toBe('')
  })

  test('times are those of the browser, and the address has them in UTC', async () => {
    const { server, open } = console()
    const page = await open('/audit', { as: server.owner_id })
    await page.getByLabel('From').fill('2000-01-01T05:30')
    await page.getByLabel('Until').fill('2000-01-02T05:30')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByRole('heading', { name: 'No such event' }).waitFor()
    expect(new URL(page.url()).search).toContain('from=2000-01-01T00%3A00%3A00.000Z')
    await page.reload()
    await page.getByRole('heading', { name: 'No such event' }).waitFor()
    expect(await page.getByLabel('From').inputValue()).toBe('2000-01-01T05:30')
  })

  test('is walked by cursor, and leads from an event to all about its object', async () => {
    const { server, open } = console()
    const { id } = await make(server, '/organization/groups', { name: 'Walked' })
    for (let n = 0; n < 60; n++) await server.request('POST', `/organization/groups/${id}`, { name: `Walked ${n}` })
    const page = await open('/audit', { as: server.owner_id })
    const rows = page.getByRole('table', { name: 'Events' }).getByRole('row')
    await page.getByRole('button', { name: 'Show more' }).click()
    await rows.nth(61).waitFor()
    expect(await rows.nth(61).textContent()).toContain('Created a group')
    await rows
      .nth(61)
      .getByRole('link', { name: /all about it/ })
      .click()
    await page.waitForURL(/resource=group/)
    expect(await page.getByLabel('About').inputValue()).toBe(id)
  })

  test('shows its newest link to keep, and says on the page when it is broken', async () => {
    const { server, open } = console()
    const chain = (await (await server.request('GET', '/organization/audit_logs/chain')).json()) as any
    const page = await open('/audit', { as: server.owner_id })
    await page.getByRole('button', { name: 'Is it whole?' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Yes, as far as it was checked now').waitFor()
    await dialog.getByRole('button', { name: 'Copy the newest link' }).click()
    await page.waitForFunction(() => navigator.clipboard.readText().then((text) => text !== ''))
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(
      new RegExp(`^${server.organization_id}:${chain.newest.seq}:[0-9a-f]{64}$`),
    )
    await expectGoodLooks(page)
    const { seq } = chain.newest
    await server.database.write((sql) =>
      sql.updateTable('audit_logs').set({ actor_id: 'user-else' }).where('seq', '=', seq).execute(),
    )
    await page.reload()
    await page.getByText(new RegExp(`The audit log is broken at event ${seq}: its column "actor_id"`)).waitFor()
    await expectGoodLooks(page)
  })

  test('a member finds no way to it, and is refused at its address', async () => {
    const { server, open } = console()
    const page = await open('/audit', { as: await newPerson(server) })
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('link', { name: 'Audit log' }).count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Is it whole?' }).count()).toBe(0)
    expect(await page.getByRole('table').count()).toBe(0)
  })
})
