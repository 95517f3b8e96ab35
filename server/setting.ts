/** The type of a setting, and the parsers of settings. */
import { canonicalNetwork, Networks, NotANetwork } from '../world/networks.ts'
import { Secret } from '../world/secret.ts'

/** A wrong setting. The message is the end of the sentence "KEYHALL_X must …". */
export class WrongSetting extends Error {}

export interface Setting<Value> {
  /** `KEYHALL_…`; the flag is the rest in lower case with dashes. */
  env: string
  /** As the reference prints it; null where there is none. */
  default: string | null
  about: string
  /** The flag needs no value. */
  flagOnly?: true
  /** The flag is `--no-…`, needs no value, and means `off`. */
  turnsOff?: true
  /** What stands for the value in `--help`. */
  value?: string
  /** Throws WrongSetting. */
  parse: (text: string) => Value
}

export const setting = <Value>(definition: Setting<Value>) => definition

export const must = (sentence: string): never => {
  throw new WrongSetting(sentence)
}

const units = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

export function size(text: string): number {
  const [, digits, unit] = /^(\d{1,10}) ?(KiB|MiB|GiB)?$/.exec(text) ?? []
  const bytes = Number(digits) * units[(unit ?? '') as keyof typeof units]
  return bytes >= 1024 ? bytes : must('be a number of bytes, at least 1KiB: 32MiB, 1GiB or 1048576')
}

export const whole =
  (least: number, most: number, of = '') =>
  (text: string): number =>
    /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most
      ? Number(text)
      : must(`be a whole number${of} from ${least} to ${most}`)

export const port = whole(0, 65_535)

export const yesOrNo = (text: string): boolean =>
  ({ true: true, 1: true, false: false, 0: false })[text] ?? must('be true or false')

export const onOrOff = (text: string): boolean => ({ on: true, off: false })[text] ?? must('be on or off')

export const host = (text: string): string => (/^[\w.:-]+$/.test(text) ? text : must('be an IP address or a host name'))

/** Hosts with commas between, each with a port or without. */
export function hosts(text: string): string[] {
  const all = text.split(',').map((one) => one.trim().toLowerCase())
  return all.every((one) => /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/.test(one))
    ? all
    : must('be hosts, such as "kubernetes.default.svc,127.0.0.1:8443"')
}

/** Origins of web pages with commas between, as browsers write them, or `*`. */
export function origins(text: string): ReadonlySet<string> | '*' {
  const all = text.split(',').map((one) => one.trim())
  if (all.length === 1 && all[0] === '*') return '*'
  for (const one of all) {
    const origin = URL.parse(one)?.origin
    if (one === origin && origin !== 'null' && !one.includes('*')) continue
    const meant = origin && origin !== 'null' && origin !== one ? ` (${origin})` : ''
    must(`be origins as browsers write them, such as https://app.example.com${meant}, or "*" alone`)
  }
  return new Set(all)
}

/** Addresses and networks with commas between: `10.0.0.0/8,::1`. */
export function networks(text: string): Networks {
  try {
    return new Networks(text.split(',').map((one) => canonicalNetwork(one.trim())))
  } catch (error) {
    if (error instanceof NotANetwork) must('be IP addresses and networks, such as "127.0.0.1,10.0.0.0/8"')
    throw error
  }
}

export const oneOf =
  <const Values extends readonly string[]>(values: Values) =>
  (text: string): Values[number] =>
    values.includes(text) ? text : must(`be one of ${values.join(', ')}`)

/**
 * A web address that links can begin with: without a query, a fragment or a user, and without a
 * slash at its end.
 */
export function webAddress(text: string): string {
  const url = URL.parse(text)
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username
  return isPlain
    ? url.href.replace(/\/+$/, '')
    : must('be an address such as https://keys.example.com, without "?" and "#"')
}

export const databaseAddress = (text: string) =>
  /^(sqlite:.|postgres(ql)?:\/\/.)/.test(text) ? text : must('begin with "sqlite:" and a path, or with "postgres://"')

export const adminKey = (text: string) =>
  /^sk-admin-[\x21-\x2b\x2d-\x7e]+$/.test(text) && text.length >= 32 && text.length <= 256
    ? new Secret(text)
    : must('begin with "sk-admin-" and have 32 to 256 printable characters, without spaces and commas')

export const mailServer = (text: string) =>
  /^smtps?:\/\/./.test(text) && URL.canParse(text)
    ? new Secret(text)
    : must('begin with "smtp://" or "smtps://" and name a host')

export const mailSender = (text: string) =>
  /^([^<>\p{C}]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/u.test(text)
    ? text
    : must('be an e-mail address, such as "keys@example.com" or "Keyhall <keys@example.com>"')
