/**
 * Everything that works in the background: keys in memory, revocations of other servers, times of
 * last use, the ledger, spend alerts and reports.
 */
import { deliverAlert } from '../admin/alerts/deliver-alert.ts'
import type { Webhook } from '../admin/alerts/post-webhook.ts'
import { ExpiredRows } from '../admin/expired-rows.ts'
import { KnownProviders } from '../admin/workload-identity/known-providers.ts'
import { keyCache } from '../gateway/authorize.ts'
import { LastUsed } from '../keys/last-used.ts'
import { loadKeyRing } from '../keys/ring.ts'
import { SpendAlerts } from '../ledger/alert-watch.ts'
import type { FindExpected } from '../ledger/expected-windows.ts'
import { Ledger } from '../ledger/ledger.ts'
import { defaultKeptDays, UsagePruner } from '../ledger/usage-pruner.ts'
import { MOST_SERIES } from '../ledger/series-rows.ts'
import { monthOf } from '../ledger/usage-counts.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { Revocations } from '../revocation/revocations.ts'
import type { Parts } from './parts.ts'
import { openReports } from './report-maker.ts'

export type Background = Awaited<ReturnType<typeof startBackground>>

/** `findExpected` finds the rate limits that requests will come under. */
export async function startBackground(parts: Parts, metrics: Metrics, findExpected: FindExpected) {
  const { database, world, onError } = parts
  const { keys, forged } = await openKeys(parts)
  const cache = keyCache(database, keys, world, parts.cachedKeys)
  const lastUsed = new LastUsed(database, world, (error) => {
    metrics.storageFailed('last_used_unwritten')
    onError('Times of last use could not be written; kept for later.', error)
  })
  const providers = new KnownProviders(database)
  const expiredRows = new ExpiredRows(database, world, (error) =>
    onError('Expired access tokens, links and sessions could not be deleted; tried again.', error),
  )
  const ledger = new Ledger(database, world, {
    onError: (error) => onError('What was used could not be written; kept for later.', error),
    onMerged: mergedWarning(parts),
    findExpected,
  })
  const revocations = new Revocations(database, world, {
    leaseMilliseconds: parts.leaseMilliseconds,
    forget: (revoked, isRepeated) => {
      cache.forget(revoked)
      if (!isRepeated) ledger.forget(revoked)
      providers.forget()
    },
    report: () => ledger.reportBefore(),
    onLearned: parts.onRevoked,
    onError: (error) => onError('The database did not say what was revoked.', error),
  })
  /** Where spend alerts are posted: read again with the file. */
  const webhook = { current: parts.upstreams?.spend?.webhook ?? null }
  const alerts = openAlerts(parts, () => webhook.current)
  await Promise.all([revocations.start(), ledger.start()])
  alerts.start()
  const pruner = new UsagePruner(database, world, parts.keptDays ?? defaultKeptDays, (error) =>
    onError('Old usage could not be deleted; tried again later.', error),
  )
  pruner.start()
  expiredRows.start()
  const reports = openReports(database, (cause) =>
    onError('The Worker for reports cannot run; they are made in the process that serves.', cause),
  )
  const started = { keys, forged, cache, lastUsed, ledger, revocations, alerts, webhook, reports, pruner }
  return { ...started, providers, expiredRows }
}

/** Writes what is buffered and leaves the other processes. */
export async function stopBackground(background: Background) {
  const { keys, lastUsed, ledger, revocations, alerts, reports, pruner, expiredRows } = background
  expiredRows.stop()
  await Promise.all([alerts.stop(), pruner.stop()])
  reports.stop()
  await Promise.all([revocations.stop(), lastUsed.stop(), ledger.stop(), keys.redigests.settled()])
}

async function openKeys({ database, peppers, world, isRevoked = () => false, onError }: Parts) {
  /** How many rows of keys were found that somebody without the pepper had changed. */
  const forged = { count: 0 }
  const keys = await loadKeyRing(database, peppers, world, {
    isRevoked,
    onForged(key_id) {
      forged.count++
      onError('A key was refused because its row in the database was changed without the pepper.', key_id)
    },
    onError: (error) =>
      onError('A key could not be given a digest under the current pepper; tried again when it is read.', error),
  })
  return { keys, forged }
}

/** Said once for each organization and month. */
function mergedWarning({ world, warn = () => {} }: Parts) {
  const said = new Set<string>()
  return (organizations: readonly string[]) => {
    for (const organization_id of organizations) {
      const name = `${organization_id} ${monthOf(world.now())}`
      if (said.has(name)) continue
      said.add(name)
      warn(
        `More than ${MOST_SERIES} combinations of key, model, service tier and the like were used this month; in reports the names that clients chose are \`other\` from now on. A list of permitted models prevents this.`,
        { organization_id },
      )
    }
  }
}

function openAlerts({ database, world, mail = null, onError }: Parts, webhook: () => Webhook | null) {
  const onUnsent = (sentence: string, alert_id: string) => onError(sentence, alert_id)
  const delivery = deliverAlert({ database, world, mail, webhook, onUnsent })
  return new SpendAlerts(database, world, delivery, (error) => onError('A spend alert could not be sent.', error))
}
