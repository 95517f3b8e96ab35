/** Spend alerts of the organization and of a project: owners make, change and delete them. */
import { expect, test } from 'bun:test'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

inConsole('spend alerts', (console) => {
  for (const whose of ['organization', 'project'] as const)
    test(`an owner makes one of the ${whose}, changes it and deletes it`, async () => {
      const { server, open } = console()
      const { spendAlerts, projects } = server.client.admin.organization
      const project_id = await newProject(server, 'Alerted')
      const stored = async () =>
        (whose === 'project' ? await projects.spendAlerts.list(project_id) : await spendAlerts.list()).data.map(
          ({ threshold_amount, notification_channel }) => ({ threshold_amount, ...notification_channel }),
        )
      const page = await open(whose === 'project' ? `/projects/${project_id}?tab=budget` : '/usage', {
        as: server.owner_id,
      })
      await page.getByText('Nobody is told of spending').waitFor()
      await page.getByRole('button', { name: 'Make an alert' }).click()
      await page.getByLabel('When a month has cost').fill('12.34')
      await page.getByLabel('E-mail to').fill('no address')
      await page.getByRole('button', { name: 'Make it' }).click()
      await page.getByRole('dialog').getByRole('alert').waitFor()
      await page.getByLabel('E-mail to').fill('ops@example.com, ann@example.com\nben@example.com')
      await page.getByLabel('The subject begins with').fill('[models]')
      await expectGoodLooks(page)
      await page.getByRole('button', { name: 'Make it' }).click()
      await page.getByRole('rowheader', { name: 'US$12.34' }).waitFor()
      const recipients = ['ops@example.com', 'ann@example.com', 'ben@example.com']
      const made = { threshold_amount: 1234, type: 'email', recipients, subject_prefix: '[models]' }
      expect(await stored()).toEqual([made] as never)
      await expectGoodLooks(page)

      await page.getByRole('button', { name: 'Change the alert at US$12.34' }).click()
      await page.getByLabel('When a month has cost').fill('20')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByRole('rowheader', { name: 'US$20.00' }).waitFor()
      expect(await stored()).toEqual([{ ...made, threshold_amount: 2000 }] as never)

      await page.getByRole('button', { name: 'Delete the alert at US$20.00' }).click()
      await page.getByText('ben@example.com will not be told any more').waitFor()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
      await page.getByText('Nobody is told of spending').waitFor()
      expect(await stored()).toEqual([])
    })

  test('a reader sees them and changes nothing', async () => {
    const { server, open } = console()
    await server.client.admin.organization.spendAlerts.create({
      threshold_amount: 4000,
      currency: 'USD',
      interval: 'month',
      notification_channel: { type: 'email', recipients: ['ops@example.com'] },
    })
    const page = await open('/usage', { as: await newPerson(server, { role: 'reader' }) })
    await page.getByRole('cell', { name: 'ops@example.com' }).waitFor()
    expect(await page.getByRole('button', { name: /alert/ }).count()).toBe(0)
  })
})
