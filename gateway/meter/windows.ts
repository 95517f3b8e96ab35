/** Which rate limits a request is under, and how much of each it takes. */
import { UNLIMITED, type LimitName } from '../../contract/project-rate-limits.ts'
import type { WindowAsk } from '../../ledger/ask.ts'
import type { LimitRow } from '../../ledger/model-limits.ts'
import { DAY, MINUTE } from '../../ledger/window-state.ts'
import type { ProjectCaller } from '../caller.ts'
import type { ModelBody } from '../model-body.ts'
import type { Sizes } from './bound.ts'
import type { Endpoint } from './endpoints.ts'
import type { Terms } from './terms.ts'

const BYTES_PER_MEGABYTE = 1_000_000

/** The limits of the configuration, and what the project changed of them. */
export const limitsOf = (
  { limits: { rates } }: ProjectCaller,
  { key, limits }: LimitRow,
): Partial<Record<LimitName, number>> => {
  const changed = rates?.get(key)
  return changed ? { ...limits, ...changed } : limits
}

/** The limits that count requests. */
export function requestWindows(limits: LimitRow['limits'], limit_key: string): WindowAsk[] {
  const windows: WindowAsk[] = []
  const perMinute = limits.max_requests_per_1_minute ?? UNLIMITED
  const perDay = limits.max_requests_per_1_day ?? UNLIMITED
  if (perMinute < UNLIMITED) windows.push({ limit_key, metric: 'requests', span: MINUTE, limit: perMinute, units: 1 })
  if (perDay < UNLIMITED) windows.push({ limit_key, metric: 'requests_per_day', span: DAY, limit: perDay, units: 1 })
  return windows
}

const others = [
  ['max_tokens_per_1_minute', 'tokens', 1],
  ['max_images_per_1_minute', 'images', 1],
  ['max_audio_megabytes_per_1_minute', 'audio_bytes', BYTES_PER_MEGABYTE],
] as const

/**
 * Every limit that requests can come under, whatever they are for; not those of batches, of which
 * one takes a large part.
 */
export function everyWindow(limits: LimitRow['limits'], limit_key: string): Omit<WindowAsk, 'units'>[] {
  const windows: Omit<WindowAsk, 'units'>[] = requestWindows(limits, limit_key)
  for (const [name, metric, size] of others) {
    const limit = limits[name] ?? UNLIMITED
    if (limit < UNLIMITED) windows.push({ limit_key, metric, span: MINUTE, limit: limit * size })
  }
  return windows
}

/** `body` is read for its size. */
export function windowsFor(
  { limits, limit_key, requestWindows: ofRequests }: Pick<Terms, 'limits' | 'limit_key' | 'requestWindows'>,
  sizes: Sizes,
  { unit, kind }: Endpoint,
  body: ModelBody,
): WindowAsk[] {
  const windows: WindowAsk[] = []
  for (const one of ofRequests) windows.push(one)
  const tokens = limits.max_tokens_per_1_minute ?? UNLIMITED
  // An estimate that the request did not name never makes it larger than the limit.
  if (tokens < UNLIMITED && unit === null)
    windows.push({
      limit_key,
      metric: 'tokens',
      span: MINUTE,
      limit: tokens,
      units: sizes.isDeclared ? sizes.estimate : Math.min(sizes.estimate, tokens),
    })
  const images = limits.max_images_per_1_minute ?? UNLIMITED
  if (images < UNLIMITED && unit === 'image')
    windows.push({ limit_key, metric: 'images', span: MINUTE, limit: images, units: sizes.units! })
  const megabytes = limits.max_audio_megabytes_per_1_minute ?? UNLIMITED
  if (megabytes < UNLIMITED && kind === 'audio_transcriptions')
    windows.push({
      limit_key,
      metric: 'audio_bytes',
      span: MINUTE,
      limit: megabytes * BYTES_PER_MEGABYTE,
      units: body.size,
    })
  return windows
}
