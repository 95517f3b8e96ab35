/** Checks of the `models:` part of `keyhall.yaml` that compare its members with each other. */
import type { ModelInFile } from './model-config.ts'
import { overlap, patternOf } from './patterns.ts'
import { priceBegin } from './price-begin.ts'

/** A note is for who looks at the file; a start of the server does not repeat it. */
export type Gravity = 'error' | 'warning' | 'note'

/** The path leads to the node that is reported, from the list of models on. */
export type ReportAt = (path: readonly (string | number)[], message: string, gravity: Gravity) => void

/** `now` is in Unix seconds; null where nobody reads notes. */
export function checkModels(models: readonly ModelInFile[], now: number | null, report: ReportAt) {
  checkMatches(models, report)
  for (const [index, model] of models.entries()) {
    const reportHere: ReportAt = (path, ...said) => report([index, ...path], ...said)
    const haveBegins = checkPrices(model, reportHere)
    if (haveBegins && now !== null) noteBegins(model, now, reportHere)
  }
}

/** A name wins over a pattern, and the first pattern over later ones. */
function checkMatches(models: readonly ModelInFile[], report: ReportAt) {
  for (const [index, { match }] of models.entries()) {
    const above = models.slice(0, index)
    if (above.some((other) => other.match === match)) {
      report([index, 'match'], `There are two models with the match "${match}".`, 'error')
      continue
    }
    const patterns = match.includes('*') ? above.filter((other) => other.match.includes('*')) : []
    // The star of the later pattern stands for anything, so only a star of the earlier one takes
    // it.
    const covering = patterns.find((other) => patternOf(other.match)(match))
    if (covering) {
      const sentence = `"${match}" is never used, because "${covering.match}" above it matches the same models; put it above that.`
      report([index, 'match'], sentence, 'warning')
      continue
    }
    const overlapping = patterns.find((other) => !patternOf(match)(other.match) && overlap(match, other.match))
    if (!overlapping) continue
    const sentence = `"${match}" overlaps "${overlapping.match}" above it: a model that both match is under "${overlapping.match}".`
    report([index, 'match'], sentence, 'warning')
  }
}

/** Whether every `valid_from` is a day or a moment. */
function checkPrices({ match, prices = [], ...sizes }: ModelInFile, report: ReportAt): boolean {
  const begins = prices.map(({ valid_from }) => priceBegin(valid_from))
  for (const [n, price] of prices.entries()) {
    const { valid_from, output = 0, minute = 0, above = [] } = price
    if (begins[n] === null)
      report(
        ['prices', n, 'valid_from'],
        'valid_from must be a day of the calendar such as "2026-11-01", or a moment in UTC such as "2026-11-01T12:00:00Z", in quotes.',
        'error',
      )
    else if (begins.indexOf(begins[n]!) < n) {
      const when = valid_from === undefined ? 'have no valid_from' : `are valid from ${valid_from}`
      report(['prices', n], `Two prices of "${match}" ${when}; only one can hold.`, 'error')
    }
    if ((output > 0 || above.some((tier) => (tier.output ?? 0) > 0)) && sizes.max_output_tokens === undefined) {
      const sentence = `"${match}" has a price for its answers and no max_output_tokens: under a spend limit, requests that name no maximum are refused.`
      report(['prices', n], sentence, 'warning')
    }
    if (minute > 0 && sizes.max_audio_seconds === undefined) {
      const sentence = `"${match}" has a price by the minute and no max_audio_seconds: under a spend limit, its requests are refused.`
      report(['prices', n], sentence, 'warning')
    }
    for (const name of ['batch', 'flex', 'priority'] as const)
      if (price[name] !== undefined && !Number.isInteger(Number((price[name] * 1000).toFixed(6))))
        report(['prices', n, name], `${name} has at most three digits after the point.`, 'error')
    for (const [tier, { tokens }] of above.entries())
      if (above.findIndex((other) => other.tokens === tokens) < tier)
        report(['prices', n, 'above', tier, 'tokens'], `Two prices above ${tokens} tokens; only one can hold.`, 'error')
  }
  return !begins.includes(null)
}

/** What counts of several prices, and that none of them changes what was counted before. */
function noteBegins({ match, prices = [] }: ModelInFile, now: number, report: ReportAt) {
  const ordered = prices
    .map(({ valid_from }, n) => ({ n, valid_from, begin: priceBegin(valid_from)! }))
    .toSorted((one, other) => one.begin - other.begin)
  const current = ordered.findLast(({ begin }) => begin <= now)
  const [first] = ordered
  if (!current && first) {
    const sentence = `Until ${first.valid_from}, "${match}" has no price and costs nothing.`
    report(['prices', first.n, 'valid_from'], sentence, 'note')
  }
  for (const { n, valid_from, begin } of ordered) {
    if (current && begin < current.begin)
      report(
        ['prices', n],
        `This price of "${match}" is not used any more: another holds since ${current.valid_from}.`,
        'note',
      )
    if (n === current?.n && valid_from !== undefined) {
      const sentence = `${valid_from} is past: what was used before the server read this price keeps the cost that it was counted with.`
      report(['prices', n, 'valid_from'], sentence, 'note')
    }
  }
}
