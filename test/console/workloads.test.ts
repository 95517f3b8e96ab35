/** Owners register issuers with their rules, and certificates. */
import { expect, test } from 'bun:test'
import { make, newCertificate, newIdentityProvider, newServiceAccount } from '../made.ts'
import { expectGoodLooks, inConsole } from './browser.ts'
import { newManager, newPerson } from './people.ts'

const script = '<img src=x onerror=alert(1)>'

inConsole('workloads', (console) => {
  test('who may change workloads and does not own the organization deletes rules and adds none', async () => {
    const { server, open } = console()
    const { project_id, id } = await newServiceAccount(server)
    const issuer = { type: 'oidc', name: 'trusted', issuer: 'https://trusted.example.com', audience: 'keyhall' }
    const as = await newManager(server)
    const empty = await open('/workloads', { as })
    await empty.getByText('An owner of the organization registers').waitFor()
    expect(await empty.getByRole('button', { name: 'Register an issuer' }).count()).toBe(0)
    const provider = await newIdentityProvider(server, issuer)
    const rule = { name: 'indexer', project_id, service_account_id: id, attribute_matchers: { sub: 'indexer' } }
    await make(server, `/organization/workload_identity_providers/${provider}/federation_rules`, rule)
    const page = await open('/workloads', { as })
    await page.getByRole('button', { name: 'Rules of trusted' }).click()
    await page.getByRole('button', { name: 'Delete the rule indexer' }).click()
    for (const name of ['Register an issuer', 'Add a rule'])
      expect(await page.getByRole('button', { name, includeHidden: true }).count()).toBe(0)
    await expectGoodLooks(page)
    await page.getByRole('dialog', { name: 'Delete this rule?' }).getByRole('button', { name: 'Delete' }).click()
    await page.getByText('There is no rule yet').waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Delete trusted' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'There is no identity provider yet' }).waitFor()
  })

  test('an issuer is registered, gets a rule, and cannot go before its rule', async () => {
    const { server, open } = console()
    const { project_id, id } = await newServiceAccount(server)
    const page = await open('/workloads', { as: server.owner_id })
    await page.getByRole('heading', { name: 'There is no identity provider yet' }).waitFor()
    await page.getByRole('button', { name: 'Register an issuer' }).click()
    await page.getByLabel('Name').fill(`cluster ${script}`)
    await page.getByRole('textbox', { name: 'Issuer' }).fill('https://issuer.example.com')
    await page.getByLabel('Audience').fill('keyhall')
    await page.getByRole('button', { name: 'Register', exact: true }).click()
    await page.getByRole('rowheader', { name: `cluster ${script}` }).waitFor()
    await expectGoodLooks(page)
    await page.getByRole('button', { name: `Rules of cluster ${script}` }).click()
    await page.getByLabel('Name of the rule').fill('indexer')
    await page.getByRole('combobox', { name: 'Project' }).fill(project_id)
    await page.getByRole('listbox', { name: 'Choices' }).getByRole('option').click()
    await page.getByLabel('Id of the service account').fill(id)
    await page.getByLabel('What the token must have').fill('no claim')
    await page.getByRole('button', { name: 'Add a rule' }).click()
    await page.getByText('The line “no claim” must be a claim, =, and its value.').waitFor()
    await page.getByLabel('What the token must have').fill('sub = system:serviceaccount:search:indexer')
    await page.getByRole('button', { name: 'Add a rule' }).click()
    await page.getByText('sub = system:serviceaccount:search:indexer').waitFor()
    await expectGoodLooks(page)
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: `Delete cluster ${script}` }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    expect(await page.getByRole('dialog').getByRole('alert').textContent()).toContain('rule')
  })

  test('a certificate is activated only after a warning, and a reader cannot', async () => {
    const { server, open } = console()
    const id = await newCertificate(server)
    const page = await open('/workloads?tab=certificates', { as: server.owner_id })
    // It has no name, so that its id stands for it.
    await page.getByRole('button', { name: `Delete ${id}` }).waitFor()
    await page.getByRole('button', { name: `Activate ${id}` }).click()
    await page.getByText('Clients without one are refused at once.').waitFor()
    await page.getByRole('dialog').getByText(id, { exact: true }).waitFor()
    await expectGoodLooks(page)
    await page.getByRole('dialog').getByRole('button', { name: 'Activate' }).click()
    await page.getByRole('button', { name: `Deactivate ${id}` }).waitFor()
    const reader = await open('/workloads?tab=certificates', { as: await newPerson(server, { role: 'reader' }) })
    await reader.getByRole('table', { name: 'Certificates' }).waitFor()
    expect(await reader.getByRole('button', { name: /Activate|Deactivate|Delete|Upload/ }).count()).toBe(0)
  })
})
