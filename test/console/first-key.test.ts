/**
 * From the first sign-in to the first key that is used, by as few steps as people take: an owner
 * invites, a member makes a key and pastes the line that is shown into a shell.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { singleUpstream } from '../../gateway/upstream-config.ts'
import { startUpstream, type FakeUpstream } from '../gateway/upstream.ts'
import { figure } from '../runs.ts'
import { inConsole } from './browser.ts'
import { newPerson, newProject } from './people.ts'

let upstream: FakeUpstream
beforeAll(() => void (upstream = startUpstream()))
afterAll(() => upstream.stop())

/**
 * Does what a person does, and counts it: a field that is filled, a click, a key that is pressed.
 */
function hands(page: Page) {
  let steps = 0
  const step = (done: Promise<unknown>) => {
    steps++
    return done
  }
  return {
    fill: (label: string, text: string) => step(page.getByLabel(label).fill(text)),
    click: (name: string) => step(page.getByRole('button', { name, exact: true }).click()),
    press: (key: string) => step(page.keyboard.press(key)),
    steps: () => steps,
  }
}

/** Runs lines as somebody does who pastes them into a terminal. */
async function paste(lines: string) {
  const shell = Bun.spawn(['sh', '-eu'], { stdin: new Blob([lines]), stdout: 'pipe', stderr: 'pipe' })
  const [out, code] = await Promise.all([new Response(shell.stdout).text(), shell.exited])
  return { out, code }
}

inConsole(
  'the first key',
  (console) => {
    test('is in use after five steps, by the line that is shown', async () => {
      const { server, open } = console()
      const began = performance.now()
      const page = await open('/my-keys')
      const { fill, click, press, steps } = hands(page)
      await fill('Admin key', server.admin_key)
      await press('Enter')
      await page.getByRole('heading', { name: 'You have no keys yet' }).waitFor()
      await click('Make a key')
      await fill('Name', 'first')
      await press('Enter')
      await expectUse(page)
      expect(steps()).toBe(5)
      tell('an owner with the admin key', began)
    })

    test('of a member is in use after seven steps, with the link in the mail between', async () => {
      const { server, smtp, open } = console()
      const project_id = await newProject(server, 'Search')
      const email = `first${Date.now()}@example.com`
      await newPerson(server, { name: 'Mia', email, project_id })
      const began = performance.now()
      const page = await open('/')
      const { fill, click, press, steps } = hands(page)
      await fill('E-mail address', email)
      await press('Enter')
      await page.getByText('a link is on its way').waitFor()
      const [link] = /http\S+#token=\w+/.exec((await smtp.next()).text)!
      await page.goto(link)
      await click('Sign in')
      await click('Make a key')
      await fill('Name', 'first')
      await press('Enter')
      await expectUse(page)
      // And the click on the link.
      expect(steps() + 1).toBe(7)
      tell('a member with a link by mail', began)
    })

    async function expectUse(page: Page) {
      const lines = (await page.getByLabel('Lines for curl').textContent())!
      const { out, code } = await paste(lines)
      expect(code).toBe(0)
      const { data } = JSON.parse(out) as { data: { id: string }[] }
      expect(data.map(({ id }) => id)).toContain('tiny')
      const chat = `${lines.split('\n')[0]}\ncurl -s "$OPENAI_BASE_URL/chat/completions" -H "Authorization: Bearer $OPENAI_API_KEY" -d '{"model":"tiny","messages":[{"role":"user","content":"Hello"}]}'`
      expect(JSON.parse((await paste(chat)).out)).toMatchObject({ choices: [{ message: { content: 'Hello.' } }] })
    }
  },
  async () => ({ settings: { upstreams: singleUpstream(upstream.url, null).upstreams } }),
)

const tell = (who: string, began: number) =>
  figure(`${who}: ${((performance.now() - began) / 1000).toFixed(1)} s to the first model request`)
