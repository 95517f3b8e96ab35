/** A first start that fails makes no organization, so that no admin key is lost with it. */
import { afterAll, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { folder, sentence } from '../cli/command.ts'
import { inProcess } from '../cli/terminal.ts'

const home = folder()
afterAll(home.remove)

for (const [wrong, mended, says] of [
  [
    { KEYHALL_OIDC_CLIENT_ID: 'keyhall' },
    { KEYHALL_OIDC_ISSUER: 'https://id.example.com' },
    'KEYHALL_OIDC_CLIENT_ID needs KEYHALL_OIDC_ISSUER.',
  ],
  [
    { KEYHALL_SMTP_URL: 'smtp://mail.example.com' },
    { KEYHALL_SMTP_FROM: 'keys@example.com' },
    'KEYHALL_SMTP_URL needs KEYHALL_SMTP_FROM: the address that mails come from.',
  ],
] as const)
  test(`a setting that lacks another ends it before the database is made: ${says}`, async () => {
    const database = `${home.path}/${Object.keys(wrong).join()}.db`
    const start = (environment: Record<string, string>) =>
      inProcess(['serve', '--port', '0', '--database', `sqlite:${database}`], {
        environment: { KEYHALL_PEPPER_FILE: `${database}.pepper`, ...environment },
        isTerminal: true,
        onStop: (stop) => stop(),
      })
    const ended = await start(wrong)
    expect(ended.code).toBe(2)
    expect(sentence(ended)).toBe(says)
    expect(existsSync(database)).toBe(false)
    const { code, out } = await start({ ...wrong, ...mended })
    expect(code).toBe(0)
    expect(out).toContain('OPENAI_ADMIN_KEY=sk-admin-')
  })
