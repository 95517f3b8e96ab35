/** Spend alerts by webhook: once a month and alert, signed, and tried again where it failed. */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { deliverAlert } from '../../admin/alerts/deliver-alert.ts'
import type { Message } from '../../admin/mailer.ts'
import { openDatabase } from '../../database/open.ts'
import type { Database } from '../../database/types.ts'
import { SpendAlerts, type AlertDelivery } from '../../ledger/alert-watch.ts'
import { monthOf } from '../../ledger/usage-counts.ts'
import { realWorld, type World } from '../../world/world.ts'
import { startGateway, until, type GatewayServer } from '../gateway/setup.ts'
import { startUpstream } from '../gateway/upstream.ts'
import { emptyDatabase, engines, START_MILLISECONDS } from '../setup.ts'
import { SECRET, startReceiver, type Receiver } from './receiver.ts'

setDefaultTimeout(START_MILLISECONDS)

const CENT = 10_000_000
const ending: (() => unknown)[] = []
afterAll(async () => {
  for (const end of ending) await end()
})

/** A database with one alert, and servers that look at it when the test says so. */
class Alerted {
  readonly database: Database
  readonly receiver: Receiver
  readonly mailed: string[] = []
  readonly failures: string[] = []
  readonly world: World & { ahead: number }

  constructor(database: Database, receiver: Receiver) {
    this.database = database
    this.receiver = receiver
    this.world = { ...realWorld, ahead: 0, now: () => Date.now() + this.world.ahead * 1000 }
  }

  static async open(engine: 'sqlite' | 'postgres') {
    const place = await emptyDatabase(engine)
    const database = await openDatabase(place.address)
    const receiver = startReceiver(100 * 86_400)
    ending.push(receiver.stop, () => database.close(), place.drop)
    const alerted = new Alerted(database, receiver)
    await alerted.setThreshold(100)
    return alerted
  }

  async setThreshold(threshold_amount: number) {
    const alert = { organization_id: 'org-x', project_id: '', id: 'alert_x', currency: 'USD', interval: 'month' }
    const recipients = JSON.stringify(['ann@example.net', 'bob@example.net'])
    const row = { ...alert, threshold_amount, recipients, subject_prefix: null, created_at: 0, deleted_at: null }
    await this.database.write((sql) =>
      sql
        .insertInto('spend_alerts')
        .values(row)
        .onConflict((conflict) => conflict.columns(['organization_id', 'id']).doUpdateSet({ threshold_amount }))
        .execute(),
    )
  }

  async spend(settled: number, month = monthOf(this.world.now())) {
    const key = { organization_id: 'org-x', project_id: '', month }
    const row = { ...key, settled, reserved: 0, burned: 0, admitted_at: 0, refused_at: 0, wanted_at: 0 }
    await this.database.write((sql) =>
      sql
        .insertInto('budgets')
        .values(row)
        .onConflict((conflict) => conflict.columns(['organization_id', 'project_id', 'month']).doUpdateSet({ settled }))
        .execute(),
    )
  }

  /** A server with a mail server that takes what `takes` says. */
  server(takes: (message: Message) => boolean = () => true) {
    const mail = {
      deliver: async (message: Message) => {
        if (!takes(message)) throw new Error('mail refused')
        this.mailed.push(message.to)
      },
    }
    const { database, world, receiver } = this
    const options = { database, world, mail, webhook: () => receiver.webhook, onUnsent: () => {} }
    return this.withDelivery(deliverAlert(options))
  }

  withDelivery(delivery: AlertDelivery) {
    return new SpendAlerts(this.database, this.world, delivery, (error) => void this.failures.push(String(error)))
  }

  /** The time until the next attempt is over. */
  async waited() {
    await this.database.write((sql) => sql.updateTable('alert_deliveries').set({ until: 0 }).execute())
  }
}

const createAlert = ({ admin, project_id }: GatewayServer, threshold_amount: number) =>
  admin.admin.organization.projects.spendAlerts.create(project_id, {
    threshold_amount,
    currency: 'USD',
    interval: 'month',
    notification_channel: { type: 'email', recipients: ['ann@example.net'] },
  })

for (const engine of engines)
  describe(`webhooks of spend alerts (${engine})`, () => {
    test('a spend that passes the threshold is posted where the file says, signed, and the log has no secret', async () => {
      const [upstream, receiver, another] = [startUpstream(), startReceiver(), startReceiver()]
      const yaml = (url: string) => `
upstreams: [{ name: one, base_url: "${upstream.url}", models: ["priced"] }]
models: [{ match: priced, max_output_tokens: 100, prices: [{ input: 1000, output: 2000 }] }]
spend: { webhook: { url: "${url}", secret: "\${HOOK_SECRET}" } }
`
      const server = await startGateway(engine, yaml(receiver.url), { HOOK_SECRET: SECRET })
      ending.push(server.stop, upstream.stop, receiver.stop, another.stop)
      const { id } = await createAlert(server, 1)
      const ask = () => server.request('POST', '/chat/completions', { model: 'priced', messages: [] })
      for (let times = 0; times < 2; times++) expect((await ask()).status).toBe(200)
      await until(() => receiver.received.length > 0)
      const month = new Date().toISOString().slice(0, 7)
      const [{ id: webhook_id, body }] = receiver.received as [(typeof receiver.received)[number]]
      expect({ webhook_id, body }).toEqual({
        webhook_id: `msg_${id}_${month}_1`,
        body: {
          type: 'project.spend_alert.reached',
          timestamp: expect.stringMatching(/^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
          data: {
            id,
            object: 'project.spend_alert',
            organization_id: server.organization_id,
            project_id: server.project_id,
            name: 'Models',
            threshold_amount: 1,
            currency: 'USD',
            interval: 'month',
            month,
            spent: { value: 0.01, currency: 'usd' },
          },
        },
      })
      expect(receiver.unsigned).toEqual([])
      // The file is read again.
      server.write(yaml(another.url))
      server.reload()
      await createAlert(server, 0)
      await until(() => another.received.length > 0)
      expect(receiver.received).toHaveLength(1)
      expect(JSON.stringify(server.log())).not.toContain(SECRET.slice(10, -4))
    })

    test('two servers tell each once: of a month, of a threshold that was moved, and not of one moved back', async () => {
      const alerted = await Alerted.open(engine)
      const { receiver, mailed } = alerted
      const [one, two] = [alerted.server(), alerted.server()]
      const look = async () => {
        for (let times = 0; times < 3; times++) await Promise.all([one.look(), two.look()])
        // One that was started anew.
        await alerted.server().look()
      }
      await alerted.spend(100 * CENT - 1)
      await look()
      expect([receiver.received, mailed]).toEqual([[], []])
      await alerted.spend(100 * CENT)
      await look()
      expect(receiver.received.map(({ id }) => id)).toEqual([`msg_alert_x_${monthOf(Date.now())}_100`])
      expect(mailed).toEqual(['ann@example.net', 'bob@example.net'])
      await alerted.setThreshold(200)
      await look()
      await alerted.setThreshold(100)
      await look()
      expect(receiver.received).toHaveLength(1)
      await alerted.setThreshold(50)
      await look()
      expect(receiver.received).toHaveLength(2)
      alerted.world.ahead = 40 * 86_400
      await look()
      await alerted.spend(60 * CENT)
      await look()
      expect(receiver.received).toHaveLength(3)
      expect(mailed).toHaveLength(6)
      expect(alerted.failures).toEqual([])
    })

    test('only who was not told is tried again, later and later, and by another server too', async () => {
      const alerted = await Alerted.open(engine)
      const { receiver, mailed, failures } = alerted
      receiver.answers.push(new Response(null, { status: 500 }), Response.redirect(`${receiver.url}/elsewhere`, 307))
      await alerted.spend(100 * CENT)
      await alerted.server(({ to }) => to !== 'bob@example.net').look()
      expect(mailed).toEqual(['ann@example.net'])
      expect(failures).toEqual([
        `Error: alert_x of ${monthOf(Date.now())}: Error: mail refused; Error: the webhook answered 500; tried again in 30 seconds`,
      ])
      // Not yet.
      await alerted.server().look()
      expect(receiver.received).toHaveLength(1)
      await alerted.waited()
      await alerted.server().look()
      expect(mailed).toEqual(['ann@example.net', 'bob@example.net'])
      expect(failures.at(-1)).toEndWith('Error: the webhook answered 307; tried again in 2 minutes')
      await alerted.waited()
      await alerted.server().look()
      await alerted.waited()
      await alerted.server().look()
      expect(mailed).toHaveLength(2)
      expect(failures).toHaveLength(2)
      expect(new Set(receiver.received.map(({ id, path }) => `${path} ${id}`)).size).toBe(1)
      expect(receiver.received).toHaveLength(3)
    })

    test('a server that dies between its row and the message leaves the alert to another', async () => {
      const alerted = await Alerted.open(engine)
      await alerted.spend(100 * CENT)
      let reached = () => {}
      const telling = new Promise<void>((resolve) => (reached = resolve))
      const dying = alerted.withDelivery({
        targetsOf: () => ['webhook'],
        tell: () => {
          reached()
          return new Promise(() => {})
        },
      })
      void dying.look()
      await telling
      await alerted.server().look()
      expect(alerted.receiver.received).toEqual([])
      await alerted.waited()
      await alerted.server().look()
      await alerted.server().look()
      expect(alerted.receiver.received).toHaveLength(1)
      expect(alerted.mailed).toHaveLength(2)
    })

    test('attempts have an end, and a webhook that answers 410 is not asked again', async () => {
      const alerted = await Alerted.open(engine)
      const { receiver, failures } = alerted
      await alerted.spend(100 * CENT)
      for (let times = 0; times < 12; times++) {
        receiver.answers.push(new Response(null, { status: 503 }))
        await alerted.server().look()
        await alerted.waited()
      }
      expect(receiver.received).toHaveLength(9)
      expect(failures).toHaveLength(9)
      expect(failures.at(-2)).toEndWith('tried again in 720 minutes')
      expect(failures.at(-1)).toEndWith('not tried again')
      receiver.answers.length = 0
      await alerted.setThreshold(99)
      receiver.answers.push(new Response(null, { status: 410 }))
      await alerted.server(() => false).look()
      await alerted.waited()
      await alerted.server().look()
      expect(receiver.received).toHaveLength(10)
      expect(failures.join()).toContain('the webhook answered 410: it wants no more; not tried again')
      expect(alerted.mailed).toHaveLength(4)
    })

    test('what was spent in the last moment of a month is told after it, and no month that is long over', async () => {
      const alerted = await Alerted.open(engine)
      const turn = Date.UTC(2027, 0, 1)
      const at = (milliseconds: number) => (alerted.world.ahead = (milliseconds - Date.now()) / 1000)
      await alerted.spend(100 * CENT, '2026-12')
      at(turn + 3_600_000)
      await alerted.server().look()
      expect(alerted.receiver.received).toEqual([])
      at(turn + 60_000)
      await alerted.server().look()
      expect(alerted.receiver.received.map(({ body }) => body.data.month)).toEqual(['2026-12'])
    })
  })
