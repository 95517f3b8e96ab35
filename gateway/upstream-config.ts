/** The settings of upstreams: the schema of `keyhall.yaml`, and the defaults. */
import { Type as t } from 'typebox'
import { defaultFailOver, failOverOf, FailOverOn, type FailOver } from './fail-over.ts'
import type { ModelSettings } from './meter/model-book.ts'
import { OutsidePaths } from './outside-paths.ts'
import { FileModel } from './model-config.ts'
import { passingHeaders, PassingHeaders } from './passing-headers.ts'
import { FileServer } from './server-section.ts'
import { FileSignIn, type OidcConfig } from './sign-in-config.ts'
import { FileSpend, type SpendConfig } from './spend-config.ts'
import type { Secret } from '../world/secret.ts'

const seconds = (fallback: number, description: string) =>
  t.Optional(t.Number({ minimum: 0.01, maximum: 86_400, default: fallback, description }))

const Timeouts = t.Object(
  {
    first_byte: seconds(
      600,
      'Seconds until the answer begins, reaching the upstream included. After them the caller gets a 504; where the request is a GET or HEAD, or has an idempotency-key, the next upstream is asked before.',
    ),
    idle: seconds(300, 'Seconds that an answer may be silent once it has begun, or that a client may leave it unread.'),
  },
  { additionalProperties: false },
)

const Upstream = t.Object(
  {
    name: t.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
      description: 'What the log and the metrics call it: letters, digits, dots, dashes and underscores.',
    }),
    base_url: t.String({
      format: 'uri',
      description: 'Where it listens, up to and with its `/v1`. Without user, password, query and fragment.',
    }),
    api_key: t.Optional(
      t.String({
        minLength: 1,
        description: 'Sent as `Authorization: Bearer …`. Write `${NAME}` to take it from the environment.',
      }),
    ),
    models: t.Optional(
      t.Array(t.String({ minLength: 1 }), {
        minItems: 1,
        description:
          'The models it serves; `*` stands for any characters. Left out, it is asked at its `/models`, every minute and when an unknown model is called.',
      }),
    ),
    weight: t.Optional(
      t.Integer({
        minimum: 0,
        maximum: 1000,
        default: 1,
        description:
          'Its share of the requests for a model that several upstreams serve. 0: only when no other answers.',
      }),
    ),
    default: t.Optional(
      t.Boolean({
        default: false,
        description:
          'Gets what names no model, such as files and batches; without one marked, the first does. Also gets the models that no upstream lists, if it has no `models` itself; so does the only upstream without this mark.',
      }),
    ),
    timeouts: t.Optional(Timeouts),
    fail_over_on: t.Optional(FailOverOn),
    headers: t.Optional(PassingHeaders),
  },
  { additionalProperties: false },
)

/** The whole file. */
export const GatewayFile = t.Object(
  {
    upstreams: t.Optional(t.Array(Upstream, { minItems: 1, description: 'The model servers behind the gateway.' })),
    models: t.Optional(t.Array(FileModel, { description: 'Prices, sizes and limits of models.' })),
    paths: t.Optional(OutsidePaths),
    spend: t.Optional(FileSpend),
    sign_in: t.Optional(FileSignIn),
    server: t.Optional(FileServer),
  },
  { additionalProperties: false },
)

/** An upstream with all defaults filled in. */
export interface UpstreamConfig {
  name: string
  /** Without a slash at its end. */
  base_url: string
  api_key: Secret<string> | null
  /** Null: asked from the upstream. */
  models: readonly string[] | null
  weight: number
  is_default: boolean
  first_byte_milliseconds: number
  idle_milliseconds: number
  /** The answers after which the next one is asked. */
  fail_over: FailOver
  /** The headers of a request that pass to it, in lower case. */
  headers: readonly string[]
}

export interface GatewayConfig {
  upstreams: readonly UpstreamConfig[]
  /** Prices, sizes and limits of models. */
  models?: readonly ModelSettings[]
  /** Paths outside `/v1` that are forwarded too. */
  paths?: readonly string[]
  spend?: SpendConfig
  /** How people sign in at an issuer; null where they do not. */
  sign_in?: OidcConfig | null
}

/** `KEYHALL_UPSTREAM` alone: one upstream that serves whatever it says it does. */
export const singleUpstream = (base_url: string, api_key: Secret<string> | null): GatewayConfig => ({
  upstreams: [
    {
      name: 'upstream',
      base_url: base_url.replace(/\/+$/, ''),
      api_key,
      models: null,
      weight: 1,
      is_default: true,
      first_byte_milliseconds: 600_000,
      idle_milliseconds: 300_000,
      fail_over: failOverOf(defaultFailOver),
      headers: passingHeaders([]),
    },
  ],
})

/** What is wrong with the address of an upstream, as the end of "must …"; null if nothing is. */
export function wrongBaseUrl(text: string): string | null {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return 'be an address that begins with http:// or https://'
  if (url.username || url.password) return 'hold no user and password; a key belongs in api_key'
  if (url.search || url.hash || /[?#]/.test(text)) return 'have no query and no fragment'
  return null
}
