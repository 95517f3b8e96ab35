/**
 * The `spend:` part of `keyhall.yaml`: who is told of spend alerts beside the recipients of the
 * mail.
 */
import { Type as t } from 'typebox'
import { Secret } from '../world/secret.ts'

const LEAST_SECRET_BYTES = 24
const MOST_SECRET_BYTES = 64

export const FileSpend = t.Object(
  {
    webhook: t.Optional(
      t.Object(
        {
          url: t.String({
            format: 'webhook-url',
            description:
              'Where each spend alert is posted, once a month, signed as Standard Webhooks. It must answer 2xx.',
          }),
          secret: t.String({
            format: 'webhook-secret',
            description:
              'What it is signed with: `whsec_` and 24 to 64 bytes in base64. Write `${NAME}` to take it from the environment.',
          }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)

export interface SpendInFile {
  webhook?: { url: string; secret: string }
}

export interface SpendConfig {
  webhook: { url: string; secret: Secret<Uint8Array> } | null
}

export const spendConfig = ({ webhook }: SpendInFile): SpendConfig => ({
  webhook: webhook ? { url: webhook.url, secret: new Secret(secretBytes(webhook.secret)!) } : null,
})

/** What is wrong with it, as the end of "must …"; null if nothing is. */
export function wrongWebhookUrl(text: string): string | null {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return 'be an address that begins with https:// or http://'
  if (url.username || url.password || url.hash) return 'hold no user, no password and no fragment'
  return null
}

/** Anybody on the way can read what is posted over http, and it does not stay on this machine. */
export const isReadOnTheWay = (text: string) =>
  /^http:/i.test(text) && !/^(localhost|127\..*|\[::1\])$/.test(new URL(text).hostname)

export const wrongWebhookSecret = (text: string): string | null =>
  secretBytes(text)
    ? null
    : 'be "whsec_" and 24 to 64 bytes in base64, such as `echo "whsec_$(openssl rand -base64 32)"` prints'

function secretBytes(text: string): Uint8Array | null {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  const bytes = Buffer.from(encoded ?? '', 'base64')
  // Without this, text that is cut would be read as fewer bytes.
  const isWhole = bytes.toString('base64').replace(/=+$/, '') === encoded?.replace(/=+$/, '')
  return isWhole && bytes.length >= LEAST_SECRET_BYTES && bytes.length <= MOST_SECRET_BYTES ? bytes : null
}
