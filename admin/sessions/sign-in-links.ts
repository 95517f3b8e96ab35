/**
 * Links with which people sign in once. Whether an address is known is looked up after the answer,
 * so that neither what the answer says nor how long it takes tells.
 */
import { mailNotConfigured, tooManyLinks } from '../../contract/session-errors.ts'
import { LINK_SECONDS } from '../../contract/sessions.ts'
import type { SignInLinkRow } from '../../database/identity-tables.ts'
import type { Database, Sql } from '../../database/types.ts'
import { linkDigest, type Peppers } from '../../keys/digest.ts'
import { hasTrustMac, withTrustMac } from '../../keys/trust-mac.ts'
import { placeOf } from '../../world/networks.ts'
import { base62, newId } from '../../world/random.ts'
import { seconds, type World } from '../../world/world.ts'
import type { Mail } from '../mailer.ts'
import { personByEmail } from '../shared/person.ts'
import { signInMail } from './link-mail.ts'
import { RecentCounts } from './recent-counts.ts'

/** Links within the time that one works. */
const MOST_FOR_ADDRESS = 30
const MOST_FOR_PERSON = 3

interface LinksContext {
  database: Database
  keys: { peppers: Peppers }
  world: World
  mail: Mail | null
  onError: (what: string, error: unknown) => void
}

/** Sends links by mail. */
export class SignInLinks {
  readonly #context: LinksContext
  readonly #byAddress: RecentCounts
  readonly #byEmail: RecentCounts
  readonly #making = new Set<Promise<void>>()

  constructor(context: LinksContext) {
    this.#context = context
    this.#byAddress = new RecentCounts(context.world, { most: MOST_FOR_ADDRESS, seconds: LINK_SECONDS })
    this.#byEmail = new RecentCounts(context.world, { most: MOST_FOR_PERSON, seconds: LINK_SECONDS })
  }

  /** Throws 400 without a mail server, and 429 for too many. Unknown people count as well. */
  requireRoom(email: string, ip_address: string | null) {
    if (!this.#context.mail) throw mailNotConfigured()
    const wait = this.#byAddress.take(placeOf(ip_address)) ?? this.#byEmail.take(email.toLowerCase())
    if (wait !== null) throw tooManyLinks(wait)
  }

  /** Makes the link and sends it, if somebody has the address. Returns at once. */
  send(email: string) {
    const made: Promise<void> = this.#send(email)
      .catch((error: unknown) => this.#context.onError('A link to sign in could not be made.', error))
      .finally(() => this.#making.delete(made))
    this.#making.add(made)
  }

  /** Waits until all links under way were given to the mail server. */
  settled = async () => void (await Promise.all(this.#making))

  async #send(email: string) {
    const { database, keys, world, mail } = this.#context
    for (const person of await peopleWith(database.read, email)) {
      const { token, expires_at } = await database.write((sql) => addLink(sql, keys.peppers, world, person))
      const link = signInLink(mail!.public_url, token)
      mail!.send(signInMail({ to: person.email, organization: person.organization, link, expires_at }), 'sign-in')
    }
  }
}

/** The token is behind `#`, because browsers do not send that part of an address. */
export const signInLink = (public_url: string, token: string) => `${public_url}/console/sign-in#token=${token}`

type LinkedPerson = Awaited<ReturnType<typeof peopleWith>>[number]

/**
 * The living people with an address, in whatever case: at most one of each organization, which is
 * asked by itself, because the index of addresses begins with it.
 */
export async function peopleWith(db: Sql, email: string) {
  const organizations = await db
    .selectFrom('organizations')
    .select(['id', 'name'])
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const found = organizations.map(async ({ id: organization_id, name: organization }) => {
    const person = await personByEmail({ db, organization_id }, email)
    return person ? [{ organization_id, organization, ...person }] : []
  })
  return (await Promise.all(found)).flat()
}

/**
 * Stores a new link. `sql` is a change under way. Of somebody who is removed meanwhile it opens
 * nothing.
 */
export async function addLink(
  sql: Sql,
  peppers: Peppers,
  world: World,
  { organization_id, id: user_id }: Pick<LinkedPerson, 'organization_id' | 'id'>,
): Promise<{ token: string; expires_at: number }> {
  const now = seconds(world)
  const token = base62(world.random, 43)
  const row = withTrustMac(peppers[0], 'sign_in_links', {
    organization_id,
    id: newId('link_', world),
    digest: linkDigest(peppers[0], token),
    user_id,
    created_at: now,
    expires_at: now + LINK_SECONDS,
  })
  await sql.insertInto('sign_in_links').values(row).execute()
  return { token, expires_at: row.expires_at }
}

/** The link with this token; undefined where it opens nothing. */
export async function findLink(
  sql: Sql,
  peppers: Peppers,
  token: string,
  now: number,
): Promise<SignInLinkRow | undefined> {
  const digests = peppers.map((pepper) => linkDigest(pepper, token))
  const row = await sql.selectFrom('sign_in_links').selectAll().where('digest', 'in', digests).executeTakeFirst()
  return row && row.expires_at > now && hasTrustMac(peppers, 'sign_in_links', row) ? row : undefined
}

export const deleteLink = (sql: Sql, { organization_id, id }: Pick<SignInLinkRow, 'organization_id' | 'id'>) =>
  sql.deleteFrom('sign_in_links').where('organization_id', '=', organization_id).where('id', '=', id).execute()

/** Deletes every link of an organization, in a database that is older than it should be. */
export const deleteAllLinks = (sql: Sql, organization_id: string) =>
  sql.deleteFrom('sign_in_links').where('organization_id', '=', organization_id).execute()
