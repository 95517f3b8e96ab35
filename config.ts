/** Every setting: its name, default and meaning. The only reader of the environment. */
import { readFileSync } from 'node:fs'
import { Secret } from './keys/secret.ts'

/** A wrong setting, said in one sentence. */
export class WrongSetting extends Error {}

interface Setting<Value> {
  /** `KEYHALL_…`; the flag is the rest in lower case with dashes. */
  env: string
  /** As the reference prints it; null where there is none. */
  default: string | null
  about: string
  /** The flag needs no value. */
  flagOnly?: true
  /** What stands for the value in `--help`. */
  value?: string
  /** Throws the end of the sentence "KEYHALL_X must …". */
  parse: (text: string) => Value
}

const setting = <Value>(definition: Setting<Value>) => definition

const must = (sentence: string): never => {
  throw new WrongSetting(sentence)
}

export const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type Level = (typeof levels)[number]

const units = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

function size(text: string): number {
  const [, digits, unit] = /^(\d{1,10}) ?(KiB|MiB|GiB)?$/.exec(text) ?? []
  const bytes = Number(digits) * units[(unit ?? '') as keyof typeof units]
  return bytes >= 1024 ? bytes : must('be a number of bytes, at least 1KiB: 32MiB, 1GiB or 1048576')
}

export const settings = {
  database: setting({
    env: 'KEYHALL_DATABASE',
    value: 'ADDRESS',
    default: 'sqlite:data/keyhall.db',
    about:
      'Where everything is stored: `sqlite:PATH`, or `postgres://user:password@host:5432/database` (PostgreSQL 15 or later).',
    parse: (text) =>
      /^(sqlite:.|postgres(ql)?:\/\/.)/.test(text)
        ? text
        : must('begin with "sqlite:" and a path, or with "postgres://"'),
  }),
  host: setting({
    env: 'KEYHALL_HOST',
    value: 'HOST',
    default: '127.0.0.1',
    about: 'The address to listen on; `0.0.0.0` for all of the machine.',
    parse: (text) => (/^[\w.:-]+$/.test(text) ? text : must('be an IP address or a host name')),
  }),
  port: setting({
    env: 'KEYHALL_PORT',
    value: 'PORT',
    default: '4100',
    about: 'The TCP port to listen on; 0 for any that is free.',
    parse: (text) =>
      /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : must('be a whole number from 0 to 65535'),
  }),
  admin_key: setting({
    env: 'KEYHALL_ADMIN_KEY',
    value: 'KEY',
    default: null,
    about:
      'An admin key of your own choice, taken on the first start only: begins with `sk-admin-`, 32 to 256 characters.',
    parse: (text) =>
      /^sk-admin-[\x21-\x2b\x2d-\x7e]+$/.test(text) && text.length >= 32 && text.length <= 256
        ? new Secret(text)
        : must('begin with "sk-admin-" and have 32 to 256 printable characters, without spaces and commas'),
  }),
  pepper: setting({
    env: 'KEYHALL_PEPPER',
    value: 'HEX',
    default: null,
    about: 'The pepper that keys are digested with: 32 bytes as 64 hexadecimal digits. Instead of the file.',
    parse: (text) =>
      parsePepper(text) ?? must('be 64 hexadecimal digits (32 bytes), such as "openssl rand -hex 32" prints'),
  }),
  pepper_file: setting({
    env: 'KEYHALL_PEPPER_FILE',
    value: 'PATH',
    default: 'data/pepper',
    about:
      'The file with the pepper; made on the first start if it is missing. By default beside the SQLite database. Back it up apart from the database.',
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
    parse: (text) => webAddress(text) ?? must('be an address such as https://keys.example.com, without "?" and "#"'),
  }),
  smtp_url: setting({
    env: 'KEYHALL_SMTP_URL',
    value: 'URL',
    default: null,
    about:
      'The mail server that sends invitations: `smtp://user:password@host:587` or `smtps://…:465`. A password goes over TLS only. Without it, `keyhall invites link` prints the links.',
    parse: (text) =>
      /^smtps?:\/\/./.test(text) && URL.canParse(text)
        ? new Secret(text)
        : must('begin with "smtp://" or "smtps://" and name a host'),
  }),
  smtp_from: setting({
    env: 'KEYHALL_SMTP_FROM',
    value: 'ADDRESS',
    default: null,
    about: 'Who invitations come from: `keys@example.com` or `Keyhall <keys@example.com>`.',
    parse: (text) =>
      /^([^<>\p{C}]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/u.test(text)
        ? text
        : must('be an e-mail address, such as "keys@example.com" or "Keyhall <keys@example.com>"'),
  }),
  log: setting({
    env: 'KEYHALL_LOG',
    value: 'LEVEL',
    default: 'info',
    about:
      'How much is logged: `debug`, `info` (a line per request), `warn`, `error` or `silent`. Readable lines on a terminal, else JSON.',
    parse: (text) => (levels.includes(text as Level) ? (text as Level) : must(`be one of ${levels.join(', ')}`)),
  }),
  trusted_proxies: setting({
    env: 'KEYHALL_TRUSTED_PROXIES',
    value: 'COUNT',
    default: '0',
    about:
      'How many reverse proxies in front of Keyhall append to `X-Forwarded-For`; with 0 the header is not believed.',
    parse: (text) => (/^\d{1,2}$/.test(text) ? Number(text) : must('be a whole number from 0 to 99')),
  }),
  upstream: setting({
    env: 'KEYHALL_UPSTREAM',
    value: 'URL',
    default: null,
    about:
      'The model server that the gateway forwards to, such as `http://127.0.0.1:8000/v1`. For more than one, a file: `KEYHALL_CONFIG`.',
    parse: (text) => (/^https?:\/\/./.test(text) ? text : must('begin with http:// or https://')),
  }),
  upstream_api_key: setting({
    env: 'KEYHALL_UPSTREAM_API_KEY',
    value: 'KEY',
    default: null,
    about: 'The key that the gateway shows to that model server.',
    parse: (text) => (/^[\x21-\x7e]+$/.test(text) ? new Secret(text) : must('be printable characters without spaces')),
  }),
  config: setting({
    env: 'KEYHALL_CONFIG',
    value: 'FILE',
    default: null,
    about: 'A YAML file with the model servers behind the gateway. Read again on SIGHUP.',
    parse: (text) => text,
  }),
  max_body: setting({
    env: 'KEYHALL_MAX_BODY',
    value: 'SIZE',
    default: '32MiB',
    about: 'Most bytes of the JSON body of a model request.',
    parse: size,
  }),
  max_upload: setting({
    env: 'KEYHALL_MAX_UPLOAD',
    value: 'SIZE',
    default: '512MiB',
    about:
      'Most bytes of a form with files; larger ones than 256 KiB lie in an unnamed file in the temporary folder until they were passed on.',
    parse: size,
  }),
  cached_keys: setting({
    env: 'KEYHALL_CACHED_KEYS',
    value: 'NUMBER',
    default: '200000',
    about: 'How many living keys are held in memory, so that verifying one costs no query; about 1 kB each.',
    parse: (text) =>
      /^\d{1,8}$/.test(text) && Number(text) >= 100 ? Number(text) : must('be a whole number from 100 to 99999999'),
  }),
  lease_seconds: setting({
    env: 'KEYHALL_LEASE_SECONDS',
    value: 'SECONDS',
    default: '3',
    about:
      'For how long keys held in memory still open the gateway when the database does not answer; and how long revoking a key waits for a server that does not answer. The same on all servers.',
    parse: (text) =>
      /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= 3600
        ? Number(text)
        : must('be a whole number from 1 to 3600'),
  }),
  metrics_port: setting({
    env: 'KEYHALL_METRICS_PORT',
    value: 'PORT',
    default: null,
    about: 'Where `/metrics` is answered instead of on the public port; 0 for any port that is free.',
    parse: (text) =>
      /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : must('be a whole number from 0 to 65535'),
  }),
  metrics_host: setting({
    env: 'KEYHALL_METRICS_HOST',
    value: 'HOST',
    default: '127.0.0.1',
    about: 'The address to listen on for `KEYHALL_METRICS_PORT`.',
    parse: (text) => (/^[\w.:-]+$/.test(text) ? text : must('be an IP address or a host name')),
  }),
  demo: setting({
    env: 'KEYHALL_DEMO',
    default: 'false',
    about: 'Fills an empty database with an organization worth looking at.',
    flagOnly: true,
    parse: (text) => ({ true: true, 1: true, false: false, 0: false })[text] ?? must('be true or false'),
  }),
}

type Settings = typeof settings
export type SettingName = keyof Settings
export type Config = {
  [Name in SettingName]: ReturnType<Settings[Name]['parse']> | (Settings[Name]['default'] extends null ? null : never)
} & {
  admin_key: Secret<string> | null
  pepper: Secret<Uint8Array> | null
  upstream_api_key: Secret<string> | null
  smtp_url: Secret<string> | null
}

export const settingNames = Object.keys(settings) as SettingName[]

export const flagOf = (name: SettingName) => `--${name.replaceAll('_', '-')}`

/**
 * Settings from what the command line gave, else from the environment, else the defaults. Only those named are looked at: a command on
 * the host does not stumble over a setting that it has no use for. Throws WrongSetting with a sentence that says what is wrong and what
 * would be right.
 */
export function readConfig<Name extends SettingName = SettingName>(
  given: Partial<Record<SettingName, string>>,
  environment: Record<string, string | undefined>,
  names: readonly Name[] = settingNames as Name[],
): Pick<Config, Name> {
  const values = names.map((name) => {
    const { env, default: usual, parse } = settings[name]
    const flag = given[name]
    const source = flag === undefined ? env : flagOf(name)
    const text = flag ?? (environment[env] || undefined) ?? usual
    try {
      return [name, text === null ? null : parse(text)]
    } catch (error) {
      if (!(error instanceof WrongSetting)) throw error
      const shown = name === 'database' || usual === null ? '' : `, not "${text}"`
      throw new WrongSetting(`${source} must ${error.message}${shown}.`)
    }
  })
  const config = Object.fromEntries(values) as Partial<Config>
  const named = given.pepper_file ?? environment.KEYHALL_PEPPER_FILE
  const path = /^sqlite:(.+)$/.exec(config.database ?? '')?.[1]
  if (!named && path && config.pepper_file) config.pepper_file = path.replace(/[^/\\]*$/, 'pepper')
  return config as Pick<Config, Name>
}

/** A web address without what does not belong in one that links begin with, and without a slash at its end. */
function webAddress(text: string): string | null {
  const url = URL.parse(text)
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username
  return isPlain ? url.href.replace(/\/+$/, '') : null
}

const parsePepper = (text: string) =>
  /^[0-9a-f]{64}$/i.test(text.trim()) ? new Secret(new Uint8Array(Buffer.from(text.trim(), 'hex'))) : null

/** The pepper in a file, null if there is no such file. Throws WrongSetting for one that cannot be read or holds something else. */
export function readPepperFile(path: string): Secret<Uint8Array> | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null
    throw new WrongSetting(`The pepper file ${path} cannot be read: ${(error as Error).message}.`)
  }
  const pepper = parsePepper(text)
  if (!pepper)
    throw new WrongSetting(`The pepper file ${path} must hold 64 hexadecimal digits (32 bytes) and nothing else.`)
  return pepper
}
