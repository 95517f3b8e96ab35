/** Servers that send mail, each with a mail server of its own. */
import { afterEach } from 'bun:test'
import { openMailer, type Mailer } from '../admin/mailer.ts'
import type { Database } from '../database/types.ts'
import { Secret } from '../world/secret.ts'
import { startServer, type EngineName, type TestServer } from './setup.ts'
import { startSmtp, type TestSmtp } from './smtp.ts'

export interface Sending {
  server: TestServer
  smtp: TestSmtp
  mailer: Mailer
  /** What the mails that failed were about. */
  failed: { about: string; error: unknown }[]
}

interface SendingOptions {
  /** How the mail server behaves. */
  smtp?: Parameters<typeof startSmtp>[0]
  /** What follows the address of the mail server in the setting. */
  query?: string
  public_url?: string
  wrap?: (database: Database) => Database
}

/** Starts one in a test, and stops all of them after it. */
export function sendingServers() {
  const ending: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end()
  })
  return async (engine: EngineName, options: SendingOptions = {}): Promise<Sending> => {
    const smtp = await startSmtp(options.smtp)
    ending.push(smtp.stop)
    const failed: Sending['failed'] = []
    const mailer = openMailer({
      url: new Secret(smtp.url + (options.query ?? '')),
      from: 'Keyhall <keys@example.com>',
      public_url: options.public_url ?? 'https://keyhall.test',
      onError: (about, error) => failed.push({ about, error }),
    })
    const server = await startServer(engine, { mail: mailer, wrap: options.wrap })
    ending.push(server.stop)
    return { server, smtp, mailer, failed }
  }
}
