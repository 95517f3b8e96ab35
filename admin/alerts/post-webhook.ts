/**
 * Posts a spend alert to the webhook of the configuration, signed as Standard Webhooks
 * (https://www.standardwebhooks.com) say, so that the receiver can check it with any of their
 * libraries.
 */
import { createHmac } from 'node:crypto'
import { dollarsOf } from '../../contract/money.ts'
import type { DueAlert } from '../../ledger/alert-watch.ts'
import { TellNoMore } from '../../ledger/alert-watch.ts'
import type { Secret } from '../../world/secret.ts'
import { seconds, type World } from '../../world/world.ts'

export interface Webhook {
  url: string
  secret: Secret<Uint8Array>
}

const WITHIN_MILLISECONDS = 15_000
const GONE = 410

/**
 * Throws when it was not answered 2xx. No error has the address, because a secret may be part of
 * its path. `name` is that of the organization or the project.
 */
export async function postWebhook(world: World, { url, secret }: Webhook, alert: DueAlert, name: string) {
  const now = seconds(world)
  const body = JSON.stringify(payload(alert, name, now))
  // What is signed has dots between its parts.
  const id = `msg_${alert.delivery_id.replaceAll('.', '_')}`
  const response = await world
    .fetch(url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'keyhall',
        'webhook-id': id,
        'webhook-timestamp': String(now),
        'webhook-signature': `v1,${signature(secret, `${id}.${now}.${body}`)}`,
      },
      // The signed alert is for the address that the operator wrote, and for no other.
      redirect: 'manual',
      signal: AbortSignal.timeout(WITHIN_MILLISECONDS),
      ...(isOnThisMachine(url) && { proxy: false as const }),
    })
    .catch((error: unknown) => {
      const { code, name } = error as { code?: string; name?: string }
      throw new Error(`the webhook cannot be reached (${code ?? name ?? 'unknown'})`)
    })
  await response.body?.cancel()
  if (response.status === GONE) throw new TellNoMore('the webhook answered 410: it wants no more')
  if (!response.ok) throw new Error(`the webhook answered ${response.status}`)
}

const signature = (secret: Secret<Uint8Array>, text: string) =>
  createHmac('sha256', secret.reveal()).update(text).digest('base64')

function payload(alert: DueAlert, name: string, now: number) {
  const { organization_id, project_id, alert_id, month, threshold_amount, spent } = alert
  const level = project_id === '' ? 'organization' : 'project'
  return {
    type: `${level}.spend_alert.reached`,
    timestamp: new Date(now * 1000).toISOString(),
    data: {
      id: alert_id,
      object: `${level}.spend_alert`,
      organization_id,
      project_id: project_id || null,
      name,
      threshold_amount,
      currency: 'USD',
      interval: 'month',
      month,
      spent: { value: dollarsOf(spent), currency: 'usd' },
    },
  }
}

/** A proxy that the environment names does not lead there. */
const isOnThisMachine = (url: string) => /^https?:\/\/(localhost|127\.|\[::1\])/.test(url)
