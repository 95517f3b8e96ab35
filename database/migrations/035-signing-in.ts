/** Ways to sign in: links that are sent by mail, and who somebody is at an OpenID issuer. */
import type { Migration } from './migration.ts'

export const signingIn: Migration = {
  name: '035-signing-in',
  statements: ({ text, integer, bytes, strict }) => [
    `create table sign_in_links (
      organization_id ${text} not null,
      id ${text} not null,
      digest ${bytes} not null unique,
      user_id ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer} not null,
      mac ${bytes} not null,
      primary key (organization_id, id)
    )${strict}`,
    `create index sign_in_links_by_expiry on sign_in_links (expires_at)`,
    `create table sign_in_identities (
      organization_id ${text} not null,
      id ${text} not null,
      issuer ${text} not null,
      subject ${text} not null,
      user_id ${text} not null,
      email ${text},
      created_at ${integer} not null,
      mac ${bytes} not null,
      primary key (organization_id, id),
      unique (organization_id, issuer, subject)
    )${strict}`,
    `create index sign_in_identities_of_person on sign_in_identities (organization_id, user_id)`,
  ],
}
