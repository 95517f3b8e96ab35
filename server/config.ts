/** Every setting: its name, default and meaning. `read-config.ts` reads them. */
import type { Secret } from '../world/secret.ts'
import type { Peppers } from '../keys/digest.ts'
import { DEFAULT_CONNECTIONS } from '../database/types.ts'
import { defaultKeptDays } from '../ledger/usage-pruner.ts'
import { gatewaySettings } from './gateway-settings.ts'
import { listenerSettings } from './listener-settings.ts'
import { parsePeppers } from './pepper-file.ts'
import { fileOf } from './secret-files.ts'
import { adminKey, databaseAddress, host, hosts, mailSender, mailServer, must, oneOf, onOrOff } from './setting.ts'
import { port, setting, type Setting, webAddress, whole, yesOrNo } from './setting.ts'
import { signInSettings } from './sign-in-settings.ts'
import { tlsSettings } from './tls-settings.ts'

export const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type Level = (typeof levels)[number]

export const settings = {
  database: setting({
    env: 'KEYHALL_DATABASE',
    value: 'ADDRESS',
    default: 'sqlite:data/keyhall.db',
    about:
      'Where everything is stored: `sqlite:PATH`, or `postgres://user:password@host:5432/database` (PostgreSQL 15 or later).',
    parse: databaseAddress,
  }),
  database_file: fileOf('KEYHALL_DATABASE', 'the address of the database'),
  database_connections: setting({
    env: 'KEYHALL_DATABASE_CONNECTIONS',
    value: 'COUNT',
    default: String(DEFAULT_CONNECTIONS),
    about:
      'How many connections to PostgreSQL the server opens at most, as it needs them. All servers together must stay below the `max_connections` of PostgreSQL, 100 by default.',
    parse: whole(3, 1000),
  }),
  host: setting({
    env: 'KEYHALL_HOST',
    value: 'HOST',
    default: '127.0.0.1',
    about: 'The address to listen on; `0.0.0.0` for all of the machine.',
    parse: host,
  }),
  port: setting({
    env: 'KEYHALL_PORT',
    value: 'PORT',
    default: '4100',
    about: 'The TCP port to listen on; 0 for any that is free.',
    parse: port,
  }),
  admin_key: setting({
    env: 'KEYHALL_ADMIN_KEY',
    value: 'KEY',
    default: null,
    about:
      'An admin key of your own choice, taken on the first start only: begins with `sk-admin-`, 32 to 256 characters.',
    parse: adminKey,
  }),
  admin_key_file: fileOf('KEYHALL_ADMIN_KEY', 'that key'),
  first_key_file: setting({
    env: 'KEYHALL_FIRST_KEY_FILE',
    value: 'PATH',
    default: 'data/first-admin-key',
    about:
      'The file to which a first start away from a terminal writes the first admin key, with mode 0600. By default beside the SQLite database, else beside the pepper file. Not used with `KEYHALL_ADMIN_KEY`.',
    parse: (text) => text,
  }),
  pepper: setting({
    env: 'KEYHALL_PEPPER',
    value: 'HEX',
    default: null,
    about:
      'The pepper, with which keys are digested: 32 bytes as 64 hexadecimal digits. During a rotation: the new one, a comma, and the old one. In the place of the file.',
    parse: (text) =>
      parsePeppers(text) ?? must('be 64 hexadecimal digits (32 bytes), such as "openssl rand -hex 32" prints'),
  }),
  pepper_file: setting({
    env: 'KEYHALL_PEPPER_FILE',
    value: 'PATH',
    default: 'data/pepper',
    about:
      'The file with the pepper; made on the first start if it is missing. By default beside the SQLite database. Back it up apart from the database.',
    parse: (text) => text,
  }),
  revocations_file: setting({
    env: 'KEYHALL_REVOCATIONS_FILE',
    value: 'PATH',
    default: 'data/revocations.jsonl',
    about:
      'The file to which each revocation is appended, so that restoring an older database brings no revoked key back. By default beside the SQLite database, else beside the pepper file. Keep it when you restore a backup. Best on another disk than the database.',
    parse: (text) => text,
  }),
  owner_email: setting({
    env: 'KEYHALL_OWNER_EMAIL',
    value: 'EMAIL',
    default: 'owner@localhost',
    about: 'The e-mail address of the first owner, used on the first start only.',
    parse: (text) => (/^[^\s@]+@[^\s@]+$/.test(text) ? text : must('be an e-mail address')),
  }),
  public_url: setting({
    env: 'KEYHALL_PUBLIC_URL',
    value: 'URL',
    default: null,
    about: 'How people reach this server from outside, for links in invitations. By default the address it listens on.',
    parse: webAddress,
  }),
  smtp_url: setting({
    env: 'KEYHALL_SMTP_URL',
    value: 'URL',
    default: null,
    about:
      'The mail server that sends invitations, links to sign in and spend alerts: `smtp://user:password@host:587` or `smtps://…:465`. A password goes over TLS only. Without it, `keyhall invites link` prints the links.',
    parse: mailServer,
  }),
  smtp_url_file: fileOf('KEYHALL_SMTP_URL', 'that URL'),
  smtp_from: setting({
    env: 'KEYHALL_SMTP_FROM',
    value: 'ADDRESS',
    default: null,
    about: 'Who these mails come from: `keys@example.com` or `Keyhall <keys@example.com>`.',
    parse: mailSender,
  }),
  issuer_hosts: setting({
    env: 'KEYHALL_ISSUER_HOSTS',
    value: 'HOSTS',
    default: null,
    about:
      'Hosts of issuers, of workload identity and of signing in, `HOST` or `HOST:PORT` with commas between, that may have a private address and use http. All others must have https and public addresses.',
    parse: hosts,
  }),
  log: setting({
    env: 'KEYHALL_LOG',
    value: 'LEVEL',
    default: 'info',
    about:
      'How much is logged: `debug`, `info` (a line per request), `warn`, `error` or `silent`. Readable lines on a terminal, else JSON.',
    parse: oneOf(levels),
  }),
  trusted_proxies: setting({
    env: 'KEYHALL_TRUSTED_PROXIES',
    value: 'COUNT',
    default: '0',
    about:
      'How many reverse proxies in front of Keyhall append to `X-Forwarded-For`; with 0 the header is not believed.',
    parse: whole(0, 99),
  }),
  console: setting({
    env: 'KEYHALL_CONSOLE',
    default: 'on',
    about:
      'Whether the console is served, at `/console/` beside the Administration API: `on`, or `off` as `--no-console` does.',
    turnsOff: true,
    parse: onOrOff,
  }),
  ...signInSettings,
  ...tlsSettings,
  ...gatewaySettings,
  usage_minutes_days: setting({
    env: 'KEYHALL_USAGE_MINUTES_DAYS',
    value: 'DAYS',
    default: String(defaultKeptDays.minute),
    about: 'For how many days usage is kept by the minute; older usage is reported by the hour.',
    parse: whole(2, 36_500, ' of days'),
  }),
  usage_hours_days: setting({
    env: 'KEYHALL_USAGE_HOURS_DAYS',
    value: 'DAYS',
    default: String(defaultKeptDays.hour),
    about: 'The same by the hour, and not fewer; older usage is reported by the day, which is kept for ever.',
    parse: whole(2, 36_500, ' of days'),
  }),
  cached_keys: setting({
    env: 'KEYHALL_CACHED_KEYS',
    value: 'NUMBER',
    default: '200000',
    about: 'How many keys are kept in memory, so that verifying one needs no query; about 1 kB each.',
    parse: whole(100, 99_999_999),
  }),
  lease_seconds: setting({
    env: 'KEYHALL_LEASE_SECONDS',
    value: 'SECONDS',
    default: '3',
    about:
      'How many seconds keys in memory are still accepted when the database does not answer, and how many seconds a revocation waits for a server that does not answer. Must be the same on all servers.',
    parse: whole(1, 3600),
  }),
  ...listenerSettings,
  new_organization: setting({
    env: 'KEYHALL_NEW_ORGANIZATION',
    default: 'false',
    about:
      'Makes a new organization on an empty database although there is a pepper already, in its file or in `KEYHALL_PEPPER`. Without it such a start is refused, because the database may have been lost. Only for the first start.',
    flagOnly: true,
    parse: yesOrNo,
  }),
  demo: setting({
    env: 'KEYHALL_DEMO',
    default: 'false',
    about: 'Fills an empty database with an example organization.',
    flagOnly: true,
    parse: yesOrNo,
  }),
}

type Settings = typeof settings
export type SettingName = keyof Settings
export type Config = {
  [Name in SettingName]: ReturnType<Settings[Name]['parse']> | (Settings[Name]['default'] extends null ? null : never)
} & {
  admin_key: Secret<string> | null
  pepper: Peppers | null
  upstream_api_key: Secret<string> | null
  smtp_url: Secret<string> | null
  oidc_client_secret: Secret<string> | null
}

export const settingNames = Object.keys(settings) as SettingName[]

export const flagOf = (name: SettingName) => {
  const { turnsOff }: Setting<unknown> = settings[name]
  return `--${turnsOff ? 'no-' : ''}${name.replaceAll('_', '-')}`
}
