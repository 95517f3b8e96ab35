/**
 * Spend alerts: one e-mail when the spend of a month reaches the threshold, whichever server sees
 * it.
 */
import { afterAll, describe, expect, test } from 'bun:test'
import { deliverAlert } from '../../admin/alerts/deliver-alert.ts'
import { openMailer } from '../../admin/mailer.ts'
import { SpendAlerts } from '../../ledger/alert-watch.ts'
import { monthOf } from '../../ledger/usage-counts.ts'
import { Secret } from '../../world/secret.ts'
import { openDatabase } from '../../database/open.ts'
import { realWorld, type World } from '../../world/world.ts'
import { emptyDatabase, engines, startServer, type TestServer } from '../setup.ts'
import { until } from '../gateway/setup.ts'
import { startSmtp } from '../smtp.ts'

const CENT = 10_000_000
const ending: (() => unknown)[] = []
afterAll(async () => {
  for (const end of ending) await end()
})

type Spender = Pick<TestServer, 'database' | 'organization_id' | 'project_id'> & { world: World }

/** What a project has spent this month, as the ledger would have written it. */
async function spend({ database, organization_id, project_id, world }: Spender, settled: number) {
  const key = { organization_id, project_id, month: monthOf(world.now()) }
  const row = { ...key, settled, reserved: 0, burned: 0, admitted_at: 0, refused_at: 0, wanted_at: 0 }
  await database.write((sql) =>
    sql
      .insertInto('budgets')
      .values(row)
      .onConflict((conflict) => conflict.columns(['organization_id', 'project_id', 'month']).doUpdateSet({ settled }))
      .execute(),
  )
}

for (const engine of engines)
  describe(`spend alerts (${engine})`, () => {
    test('tells each recipient once a month, from one of two servers, also after a restart', async () => {
      const smtp = await startSmtp()
      const mail = openMailer({
        url: new Secret(smtp.url),
        from: 'Keyhall <keys@example.com>',
        public_url: 'https://keys.example.com',
        onError: () => {},
      })
      // The server looks too: its mailer is the same.
      const server = await startServer(engine, { mail })
      ending.push(server.stop, () => mail.close(), smtp.stop)
      const failures: unknown[] = []
      const watcher = () =>
        new SpendAlerts(
          server.database,
          server.world,
          deliverAlert({ ...server, mail, webhook: () => null, onUnsent: () => {} }),
          (error) => failures.push(error),
        )
      const { spendAlerts } = server.client.admin.organization.projects
      const alert = await spendAlerts.create(server.project_id, {
        threshold_amount: 500,
        currency: 'USD',
        interval: 'month',
        notification_channel: {
          type: 'email',
          recipients: ['ann@example.net', 'bob@example.net'],
          subject_prefix: '[team]',
        },
      })
      const [one, two] = [watcher(), watcher()]
      await spend(server, 500 * CENT - 1)
      await Promise.all([one.look(), two.look()])
      expect(smtp.received).toEqual([])
      await spend(server, 501 * CENT)
      for (let times = 0; times < 3; times++) await Promise.all([one.look(), two.look()])
      await watcher().look()
      // The server itself may have been first, and is telling them still.
      const mails = (count: number) => until(() => smtp.received.length >= count)
      await mails(2)
      expect(smtp.received.map(({ to }) => to[0])).toEqual(['ann@example.net', 'bob@example.net'])
      const [first] = smtp.received
      expect(first!.headers.join('\n')).toContain('Subject: [team] Spend alert: Default project reached $5.00')
      expect(first!.text).toContain('has spent $5.01')
      // Another threshold is told of anew, and another month.
      const { currency, interval, notification_channel } = alert
      const changed = { currency, interval, notification_channel, threshold_amount: 501 }
      await spendAlerts.update(alert.id, { project_id: server.project_id, ...changed })
      await one.look()
      await mails(4)
      server.world.ahead = 40 * 86_400
      await one.look()
      expect(smtp.received).toHaveLength(4)
      await spend(server, 600 * CENT)
      await one.look()
      await mails(6)
      await watcher().look()
      expect(smtp.received).toHaveLength(6)
      expect(failures).toEqual([])
    })

    test('an alert that the mail server does not take is sent by whoever looks when its time is over', async () => {
      const refusing = await startSmtp({ refuses: true })
      const smtp = await startSmtp()
      const mailTo = (url: string) =>
        openMailer({ url: new Secret(url), from: 'keys@example.com', public_url: '', onError: () => {} })
      const [bad, good] = [mailTo(refusing.url), mailTo(smtp.url)]
      const place = await emptyDatabase(engine)
      const database = await openDatabase(place.address)
      ending.push(
        () => database.close(),
        place.drop,
        () => bad.close(),
        () => good.close(),
        refusing.stop,
        smtp.stop,
      )
      const whose = { organization_id: 'org-x', project_id: '' }
      await database.write((sql) =>
        sql
          .insertInto('spend_alerts')
          .values({
            ...whose,
            id: 'alert_x',
            threshold_amount: 0,
            currency: 'USD',
            interval: 'month',
            recipients: '["ann@example.net"]',
            subject_prefix: null,
            created_at: 0,
            deleted_at: null,
          })
          .execute(),
      )
      await spend({ database, world: realWorld, ...whose }, 1)
      const failures: unknown[] = []
      const look = (mail: typeof bad) =>
        new SpendAlerts(
          database,
          realWorld,
          deliverAlert({ database, world: realWorld, mail, webhook: () => null, onUnsent: () => {} }),
          (error) => failures.push(error),
        ).look()
      await look(bad)
      expect(failures).toHaveLength(1)
      await look(good)
      expect(smtp.received).toEqual([])
      await database.write((sql) => sql.updateTable('alert_deliveries').set({ until: 0 }).execute())
      await look(good)
      expect(smtp.received).toHaveLength(1)
    })
  })
