/** `keyhall serve` with a mail server. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { startSmtp } from '../smtp.ts'
import { folder, run, sentence, serve } from './command.ts'

setDefaultTimeout(60_000)

let place: ReturnType<typeof folder>
beforeEach(() => (place = folder()))
afterEach(() => place.remove())
const database = () => `sqlite:${place.path}/test.db`

test('sends an invitation that links to the server, and stops only after sending it', async () => {
  const { promise: until, resolve: release } = Promise.withResolvers<void>()
  const smtp = await startSmtp({ until })
  const env = { KEYHALL_SMTP_URL: smtp.url, KEYHALL_SMTP_FROM: 'keys@example.com' }
  const server = await serve(database(), [], { env })
  try {
    const caller = { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_ADMIN_KEY: server.key! }
    const invite = ['invites', 'create', '--email', 'ann@example.net', '--role', 'reader']
    expect((await run(invite, { env: caller })).code).toBe(0)
    server.signal('SIGTERM')
    await server.prints('Stopping')
    release()
    expect((await server.ended).code).toBe(0)
    expect(smtp.received.map(({ to }) => to)).toEqual([['ann@example.net']])
    expect(smtp.received[0]!.text).toContain(`\n${server.url}/invites/accept#`)
  } finally {
    release()
    server.signal('SIGKILL')
    await smtp.stop()
  }
})

test('logs a mail that failed and how to get a new link, without its content', async () => {
  const smtp = await startSmtp({ refuses: true })
  const env = { KEYHALL_SMTP_URL: smtp.url, KEYHALL_SMTP_FROM: 'Keyhall <keys@example.com>' }
  const server = await serve(database(), [], { env })
  try {
    const caller = { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_ADMIN_KEY: server.key! }
    const made = await run(['invites', 'create', '--email', 'ann@example.net', '--role', 'reader'], { env: caller })
    const { id } = JSON.parse(made.out) as { id: string }
    await server.prints(`keyhall invites link ${id}`)
    expect(server.printed()).not.toContain('ann@example.net')
    expect(server.printed()).not.toContain('accept#')
  } finally {
    server.signal('SIGTERM')
    await server.ended
    await smtp.stop()
  }
})

test('refuses settings that would send nothing', async () => {
  for (const [env, said] of [
    [{ KEYHALL_SMTP_URL: 'smtp://127.0.0.1:1' }, 'KEYHALL_SMTP_URL needs KEYHALL_SMTP_FROM'],
    [{ KEYHALL_SMTP_URL: 'mail.example.com' }, 'KEYHALL_SMTP_URL must begin with "smtp://"'],
    [{ KEYHALL_SMTP_FROM: 'nobody' }, 'KEYHALL_SMTP_FROM must be an e-mail address'],
    [{ KEYHALL_SMTP_FROM: 'a@b.c\nBcc: d@e.f' }, 'KEYHALL_SMTP_FROM must be an e-mail address'],
    [{ KEYHALL_PUBLIC_URL: 'keys.example.com' }, 'KEYHALL_PUBLIC_URL must be an address'],
    [{ KEYHALL_PUBLIC_URL: 'https://keys.example.com/?a' }, 'KEYHALL_PUBLIC_URL must be an address'],
  ] as [Record<string, string>, string][]) {
    const ended = await run(['serve', '--port', '0', '--database', database()], { env })
    expect({ code: ended.code, said: sentence(ended) }).toEqual({ code: 2, said: expect.stringContaining(said) })
  }
})
