/** `keyhall console link`: a way in without a mail server and without an admin key. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { folder, run, sentence, serve } from './command.ts'

setDefaultTimeout(60_000)

let place: ReturnType<typeof folder>
beforeEach(() => (place = folder()))
afterEach(() => place.remove())

test('prints a link with which the first owner signs in, once', async () => {
  const database = `sqlite:${place.path}/test.db`
  const server = await serve(database)
  try {
    const on = ['--database', database]
    const unknown = await run(['console', 'link', 'ann@example.com', ...on])
    expect({ code: unknown.code, said: sentence(unknown) }).toEqual({
      code: 1,
      said: 'Nobody in the organization has the address ann@example.com. Its owners: owner@localhost.',
    })
    const made = await run(['console', 'link', 'OWNER@localhost', ...on, '--public-url', server.url])
    expect(made.err).toContain('The link for owner@localhost works once, until ')
    const [, token] = new RegExp(`^${server.url}/console/sign-in#token=(\\w{43})\n$`).exec(made.out)!
    const redeem = () =>
      fetch(`${server.url}/v1/organization/sessions`, {
        method: 'POST',
        headers: { 'sec-fetch-site': 'same-origin', origin: server.url, 'x-keyhall-console': '1' },
        body: JSON.stringify({ token }),
      })
    const answer = await redeem()
    expect(await answer.json()).toMatchObject({ method: 'link', user: { email: 'owner@localhost' } })
    expect(answer.headers.get('set-cookie')).toStartWith('keyhall=')
    expect((await redeem()).status).toBe(401)
    expect(server.printed()).not.toContain(token)
  } finally {
    server.signal('SIGKILL')
    await server.ended
  }
})

test('needs one address', async () => {
  for (const words of [[], ['a@example.com', 'b@example.com']])
    expect(sentence(await run(['console', 'link', ...words]))).toContain('One e-mail address is needed')
})
