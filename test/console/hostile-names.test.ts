/** Names with scripts in them: every page shows them as what they are, text. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { startUpstream, type FakeUpstream } from '../gateway/upstream.ts'
import { make } from '../made.ts'
import type { TestServer } from '../setup.ts'
import { inConsole } from './browser.ts'
import { hostile, plantTexts, USER_AGENT } from './hostile-texts.ts'
import { newPerson } from './people.ts'
import { examplesOf, walk } from './walk.ts'

let upstream: FakeUpstream
beforeAll(() => void (upstream = startUpstream()))
afterAll(() => upstream.stop())

const [PROJECT, PERSON, MODEL, STRANGER] = [2, 3, 4, 5]

/** Pages that show nothing else of what was planted. */
const mustBeShown = [
  'adminAPIKeys.create name',
  'certificates.create name',
  'groups.create name',
  'invites.accept name',
  'me.apiKeys.create name',
  'projects.apiKeys.create name',
  'projects.create name',
  'projects.roles.create role_name',
  'projects.serviceAccounts.create name',
  'workloadIdentityProviders.create name',
  'workloadIdentityProviders.create audience',
  'workloadIdentityProviders.federationRules.create name',
]

/** Whoever has a key says what a model is called, and owners see it in their reports. */
async function useModel({ fetch, now }: TestServer, key: string) {
  const body = JSON.stringify({ model: hostile(MODEL), messages: [{ role: 'user', content: 'Hello' }] })
  const headers = { authorization: `Bearer ${key}`, 'user-agent': hostile(USER_AGENT) }
  const url = 'http://keyhall.test/v1/chat/completions'
  const answer = await fetch(new Request(url, { method: 'POST', headers, body }))
  expect(answer.status).toBe(200)
  await answer.text()
  await now.writeUsage()
}

/** Whoever reaches the server leaves a user agent in the audit log. */
async function failToSignIn(url: string) {
  const own = { origin: url, 'sec-fetch-site': 'same-origin', 'x-keyhall-console': '1' }
  const headers = { ...own, 'user-agent': hostile(STRANGER) }
  const body = JSON.stringify({ admin_key: 'wrong' })
  expect((await fetch(`${url}/v1/organization/sessions`, { method: 'POST', headers, body })).status).toBe(401)
}

/** Elements that a text became, and addresses that are scripts. */
const madeOfText = (page: Page) =>
  page.evaluate(() => [
    ...[...document.querySelectorAll('.planted')].map((one) => one.outerHTML),
    ...[...document.querySelectorAll('*')].flatMap((one) =>
      ['href', 'src', 'action', 'formaction', 'data'].flatMap((name) =>
        /^\s*javascript:/i.test(one.getAttribute(name) ?? '') ? [one.outerHTML] : [],
      ),
    ),
  ])

inConsole(
  'hostile names',
  (console) => {
    test('run no script on any page, in any tab or dialog, and are shown as text', async () => {
      const { server, url, open } = console()
      const project = await make(server, '/organization/projects', { name: hostile(PROJECT) })
      const person = await newPerson(server, { name: hostile(PERSON), project_id: project.id, project_role: 'owner' })
      const path = `/organization/projects/${project.id}/api_keys`
      const key = await make<{ id: string; value: string }>(server, path, { user_id: person, name: 'for models' })
      await useModel(server, key.value)
      const planted = await plantTexts(server, project)
      await failToSignIn(url)

      const page = await open('/', { as: server.owner_id })
      const seen = new Set<number>()
      const visited: string[] = []
      const look = async (at: string) => {
        visited.push(at)
        expect([at, await madeOfText(page)]).toEqual([at, []])
        const text = await page.evaluate(() => document.body.textContent ?? '')
        for (const [, number] of text.matchAll(/javascript:planted\((\d+)\)/g)) seen.add(Number(number))
      }
      const examples = examplesOf({ project_id: project.id, key_id: key.id, user_id: person })
      await walk(page, { url, examples, look })
      await page.goto(`${url}/console/usage?group_by=model`)
      await page.locator('main table').getByText(`javascript:planted(${MODEL})`).first().waitFor()
      await look('usage by model')
      await (await open('/sessions', { as: person })).getByText(`javascript:planted(${PERSON})`).first().waitFor()
      expect(visited.length).toBeGreaterThan(60)
      // Two buttons of one tab whose texts begin alike both open their dialogs.
      for (const dialog of ['Make a service account', 'Make a key'])
        expect(visited.filter((at) => at.endsWith(`=service-accounts, ${dialog}`))).toHaveLength(1)
      expect([PERSON, MODEL, USER_AGENT, STRANGER].filter((number) => !seen.has(number))).toEqual([])
      const shown = planted.flatMap(({ member, number }) => (seen.has(number) ? [member] : []))
      expect(mustBeShown.filter((member) => !shown.includes(member))).toEqual([])
    }, 300_000)
  },
  async () => ({ settings: { upstreams: singleUpstream(upstream.url, null).upstreams } }),
)
