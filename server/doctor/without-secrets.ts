/**
 * Removes the secrets of the settings from a text. No check prints one; but what other servers
 * answer is printed, and they may repeat what they were sent.
 */
import { postgresUrl } from '../../database/postgres-address.ts'
import { Secret } from '../../world/secret.ts'
import { printPeppers } from '../pepper-file.ts'
import type { AllSettings } from './read-all-settings.ts'

/** A shorter one is part of ordinary words. */
const SHORTEST = 4

export function withoutSecrets({ config, upstreams }: Pick<AllSettings, 'config' | 'upstreams'>) {
  const { admin_key, upstream_api_key, oidc_client_secret, smtp_url, database, pepper } = config
  const plain = [
    admin_key,
    upstream_api_key,
    oidc_client_secret,
    ...(upstreams?.upstreams.map(({ api_key }) => api_key) ?? []),
  ].flatMap((secret) => (secret instanceof Secret ? [secret.reveal()] : []))
  const inAddresses = [smtp_url?.reveal(), database].flatMap((address) => passwordsIn(address ?? ''))
  const peppers = pepper ? printPeppers(pepper, ',').split(',') : []
  const all = [...plain, ...inAddresses, ...peppers]
    .filter((secret) => secret.length >= SHORTEST)
    .toSorted((one, other) => other.length - one.length)
  return (text: string) => all.reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
}

/**
 * Each as it stands in the address, as it is sent, and as SMTP encodes it: for LOGIN alone, for
 * PLAIN behind the user.
 */
function passwordsIn(address: string): string[] {
  const url = postgresUrl(address)
  if (!url) return []
  const inQuery = [...url.searchParams].flatMap(([name, value]) => (/pass/i.test(name) ? [value] : []))
  return [url.password, ...inQuery]
    .filter((text) => text !== '')
    .flatMap((text) => [text, decoded(text)])
    .flatMap((text) => [text, base64(text), base64(`\0${decoded(url.username)}\0${text}`)])
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
