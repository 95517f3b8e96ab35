/** The server that answers: what it is, and what it depends on. OpenAI has no such operation. */
import { described, get, nullable, object, oneOf, t } from './kit.ts'

export const Server = object(
  'organization.server',
  {
    version: t.String({ description: 'The version of Keyhall.' }),
    storage: t.Object({ engine: oneOf('sqlite', 'postgres') }),
    checks: described(
      t.Array(
        t.Object({
          name: t.String({ description: 'As at `/readyz`.' }),
          ok: t.Boolean(),
          reason: nullable(t.String({ description: 'What is wrong, in a sentence.' })),
        }),
      ),
      'Whether requests can be sent to this server.',
    ),
    upstreams: described(
      t.Array(
        t.Object({
          name: t.String(),
          base_url: t.String(),
          answers: described(
            nullable(t.Boolean()),
            'Whether the last request to it, or the last question for its models, was answered; null where there was none yet.',
          ),
          resting_seconds: t.Integer({
            description: 'For how long others are asked first, because it failed; 0 where it is asked as usual.',
          }),
          weight: t.Integer(),
          default: t.Boolean(),
          models: t.Integer({ description: 'How many models it is known to serve.' }),
        }),
      ),
      'Where model requests go, as this server sees it. No keys are shown.',
    ),
    servers: described(
      t.Array(
        t.Object({
          id: t.String({ description: 'It changes with each start.' }),
          current: t.Boolean({ description: 'Whether it is the server that answers.' }),
          lease_milliseconds: t.Integer({ description: 'How long it trusts its memory without the database.' }),
          up_to_date: t.Boolean({ description: 'Whether it has applied all revocations that this server has.' }),
        }),
      ),
      'The servers that share the database. One that was killed is listed until the next change that revokes something.',
    ),
  },
  'The server that answers, its upstreams, and the servers that share its database.',
)

export const server = {
  retrieve: get('/organization/server', {
    about: 'Retrieves what the server is and what it depends on: version, storage, upstreams, other servers.',
    can: 'api.management.read',
    returns: Server,
    extension: true,
  }),
}
