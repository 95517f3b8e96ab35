/** The promises of docs/reliability.md that can be tried by a command, and the mend behind each. */
import type { Promised } from './promise.ts'
import { byScript, byTests } from './tries.ts'

export const promises: Promised[] = [
  {
    item: 1,
    about: 'a server applies every revocation or forgets all keys',
    try: byTests(['test/revocation/unbroken.test.ts']),
    control: [
      {
        file: 'revocation/revocations.ts',
        find: 'const isComplete = rows.length === last - this.#epoch && rows.every(({ epoch }, n) => epoch === this.#epoch + 1 + n)',
        replace: 'const isComplete = rows[0]?.epoch === this.#epoch + 1',
      },
    ],
  },
  {
    item: 2,
    about: 'a key that died while its request was arriving forwards nothing',
    try: byScript('banked-requests.ts'),
    control: [
      {
        file: 'gateway/steps/authenticate.ts',
        find: 'const decided = authorizer.authorizeAgain(call.authorized!, call.credential, call.wanted, call.request)',
        replace: 'const decided = call.authorized!',
      },
    ],
  },
  {
    item: 2,
    about: 'a key that dies ends what is under way, streams within a second',
    try: byTests(['test/gateway/key-dies.test.ts']),
    control: [
      {
        file: 'gateway/steps/authenticate.ts',
        find: 'onRevoked(error)\n',
        replace: '\n',
      },
    ],
  },
  {
    item: 3,
    about: 'without a key nobody makes the server hold bodies',
    try: byScript('body-memory.ts'),
    control: [
      {
        file: 'admin/pipeline.ts',
        find: "body: can === null && hasBody ? await arriving.readBody(null) : ''",
        replace: "body: hasBody ? await arriving.readBody('anybody') : ''",
      },
    ],
  },
  {
    item: 3,
    about: 'bodies have a bound, all together and for each key',
    try: byTests(['test/bodies', 'test/gateway/uploads.test.ts']),
    control: [
      {
        file: 'http/body-budget.ts',
        find: 'if (bytes > 0 && ofKey > key_bytes)',
        replace: 'if (bytes < 0 && ofKey > key_bytes)',
      },
    ],
  },
  {
    item: 4,
    about: 'a changed audit log is found',
    try: byTests(['test/properties/audit-tampering.test.ts'], { runs: '17' }),
    control: [
      {
        file: 'admin/audit-seal.ts',
        find: "sameBytes(seal, mac(pepper, label, text)) ? 'valid' : 'wrong'",
        replace: "'valid'",
      },
    ],
  },
  {
    item: 5,
    about: 'a backup is whole, and a pepper without its database is refused',
    try: byTests(['test/cli/backup.test.ts']),
    control: [
      {
        file: 'server/open-storage.ts',
        find: 'if (!options.newOrganization) await requireItsDatabase(database, config)',
        replace: '',
      },
    ],
  },
  {
    item: 5,
    about: 'what was revoked stays revoked over a restore',
    try: byTests(['test/cli/kept-revocations.test.ts']),
    control: [
      {
        file: 'admin/kept-revocations/keep-revocations.ts',
        find: 'const applied = isOlder ? await this.#apply(organization_id, missing) : []',
        replace: 'const applied: AppliedEvent[] = []',
      },
    ],
  },
  {
    item: 6,
    about: 'who can write the database but lacks the pepper forges no key',
    try: byTests(['test/keys/forgery.test.ts']),
    control: [
      {
        file: 'keys/key-mac.ts',
        find: 'row.mac !== null && isMac(peppers, labels[table], encode(table, row), row.mac)',
        replace: 'row !== null && peppers.length > 0',
      },
    ],
  },
  {
    item: 7,
    about: 'a part with a port of its own is not reached through another, also behind nginx',
    try: byTests(['test/server/listeners.test.ts']),
    control: [
      {
        file: 'server/router.ts',
        find: "return hasAdmin || isAt('/health', url) || rawPath(url) === '/' ? admin(request) : absent(request)",
        replace: 'return admin(request)',
      },
    ],
  },
  {
    item: 8,
    about: 'PgBouncer in transaction mode',
    try: byTests(['test/storage/pgbouncer.test.ts']),
    control: [
      {
        file: 'database/postgres-client.ts',
        find: '    prepare,\n    bigint: true,',
        replace: '    prepare: prepare || true,\n    bigint: true,',
      },
    ],
  },
  {
    item: 9,
    about: 'a POST that may have been processed is not sent again',
    try: byTests(['test/gateway/sent-once.test.ts']),
    control: [
      {
        file: 'gateway/attempt.ts',
        find: "isRead(request.method) || headers['idempotency-key'] !== undefined",
        replace: "request.method !== '' || headers['idempotency-key'] !== undefined",
      },
    ],
  },
  {
    item: 10,
    about: 'a client that leaves while its body arrives is a 499',
    try: byTests(['test/bodies'], { named: '499' }),
    control: [
      {
        file: 'http/respond.ts',
        find: 'if (thrown instanceof ClientLeft) line.status = CLIENT_LEFT\n  else if',
        replace: 'if',
      },
    ],
  },
  {
    item: 11,
    about: 'a chunked body is read to the end of the message before anything is forwarded',
    try: byTests(['test/gateway/incomplete-bodies.test.ts']),
    control: [
      {
        file: 'gateway/body.ts',
        find: 'if (announced === null) await requireEnd(request)',
        replace: '',
      },
    ],
  },
  {
    item: 11,
    about: 'X-Forwarded-For that is no address is not believed',
    try: byTests(['test/server/client-address.test.ts']),
    control: [{ file: 'server/client-address.ts', find: 'addressIn(entry.trim())', replace: 'entry.trim()' }],
  },
  {
    item: 11,
    about: 'files that others can read are warned of',
    try: byTests(['test/server/warnings.test.ts']),
    control: [{ file: 'server/warnings.ts', find: '(mode & 0o066) !== 0', replace: 'mode < 0' }],
  },
  {
    item: 11,
    about: 'keys are masked however often they are percent-encoded, and in User-Agent',
    try: byTests(['test/server/log.test.ts'], { named: 'keys where none belong' }),
    control: [{ file: 'keys/format.ts', find: 'round < MOST_ROUNDS', replace: 'round < 1' }],
  },
  {
    item: 11,
    about: 'no control or bidi character reaches a terminal',
    try: byTests(['test/server/log.test.ts'], { named: 'holds no control character' }),
    control: [{ file: 'server/log.ts', find: 'const head = printable(', replace: 'const head = String(' }],
  },
  {
    item: 11,
    about: 'an invite ends with the ownership of whoever sent it',
    try: byTests(['test/resources/invites.test.ts'], { named: 'ends with the ownership' }),
    control: [
      {
        file: 'admin/resources/invites.ts',
        find: 'expires_at <= now || !is_sent_by_owner',
        replace: 'expires_at <= now',
      },
    ],
  },
  {
    item: 11,
    about: 'a migration that fails is a sentence, and those that exist are frozen',
    try: byTests(['test/storage/migrations.test.ts']),
    control: [{ file: 'database/migrate.ts', find: 'and the database is as it was before: ', replace: '' }],
  },
  {
    item: 12,
    about: 'a revocation takes 50 ms at p99 with two processes on one SQLite file',
    try: byScript('revocation-latency.ts'),
    control: [
      {
        file: 'database/watch-commits.ts',
        find: '  function lookSoon() {\n',
        replace: '  function lookSoon() {\n    return\n',
      },
    ],
  },
  {
    item: 12,
    about: 'the first revocation after a kill does not wait for the dead process',
    try: byTests(['test/gateway/nodes.test.ts'], { named: 'is not waited for by' }),
    control: [
      {
        file: 'revocation/nodes.ts',
        find: 'if (locks.hold(name)) this.#lock = name',
        replace: '',
      },
    ],
  },
  {
    item: 13,
    about: 'a failover of PostgreSQL to a synchronous standby loses nothing',
    try: byTests(['test/storage/failover.test.ts'], { named: 'loses nothing' }),
    control: [
      {
        file: 'test/storage/replicated-postgres.ts',
        find: '{ synchronous_standby_names: STANDBY }',
        replace: "{ synchronous_standby_names: '' }",
      },
    ],
  },
]
