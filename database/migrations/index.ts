/**
 * The migrations in order, one list for both engines. There is no way back. From 008 on they only
 * add, so that the version before runs on the new schema too; 007 renamed tables, before there were
 * users. `isBreaking` says after which of them an older server does not start any more.
 */
import { first } from './001-first.ts'
import { people } from './002-people.ts'
import { revocations } from './003-revocations.ts'
import { seals } from './004-seals.ts'
import { search } from './005-search.ts'
import { groupUsers } from './006-group-users.ts'
import { plainNames } from './007-plain-names.ts'
import { processLocks } from './008-process-locks.ts'
import { keyMacs } from './009-key-macs.ts'
import { auditSeals } from './010-audit-seals.ts'
import { commits } from './011-commits.ts'
import { unasked } from './012-unasked.ts'
import { ledger } from './020-ledger.ts'
import { deferred } from './021-deferred.ts'
import { alertAttempts } from './022-alert-attempts.ts'
import { keyVersions } from './023-key-versions.ts'
import { usageKept } from './024-usage-kept.ts'
import { workloadIdentity } from './025-workload-identity.ts'
import { seriesMonths } from './026-series-months.ts'
import { projectSettings } from './027-project-settings.ts'
import { sweptServers } from './028-swept-servers.ts'
import { certificates } from './029-certificates.ts'
import { registries } from './030-registries.ts'
import { ipAllowlists } from './031-ip-allowlists.ts'
import { sessions } from './033-sessions.ts'
import { signingIn } from './035-signing-in.ts'
import { adminKeyOrder } from './036-admin-key-order.ts'
import { livingSessions } from './040-living-sessions.ts'
import { windowUse } from './041-window-use.ts'
import type { Migration } from './migration.ts'

export const migrations: readonly Migration[] = [
  first,
  people,
  revocations,
  seals,
  search,
  groupUsers,
  plainNames,
  processLocks,
  keyMacs,
  auditSeals,
  commits,
  unasked,
  ledger,
  deferred,
  alertAttempts,
  keyVersions,
  usageKept,
  workloadIdentity,
  seriesMonths,
  projectSettings,
  sweptServers,
  certificates,
  registries,
  ipAllowlists,
  sessions,
  signingIn,
  adminKeyOrder,
  livingSessions,
  windowUse,
]
