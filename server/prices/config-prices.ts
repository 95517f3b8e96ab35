/**
 * `keyhall config prices`: the `models:` section for the models that the upstreams serve, with
 * public prices.
 */
import { readFileSync } from 'node:fs'
import { ModelBook } from '../../gateway/meter/model-book.ts'
import type { GatewayConfig } from '../../gateway/upstream-config.ts'
import { Upstream } from '../../gateway/upstreams.ts'
import { Failed, type ExitCode } from '../../world/failed.ts'
import type { Terminal } from '../../world/terminal.ts'
import { realWorld } from '../../world/world.ts'
import { litellmPrices } from './litellm-prices.ts'
import type { PriceList } from './price-list.ts'
import { modelsSection, type ServedModel } from './write-models.ts'

/** `from` is a file of LiteLLM; without it the prices come from a package. */
export async function configPrices(
  config: GatewayConfig,
  from: string | undefined,
  terminal: Terminal,
): Promise<ExitCode> {
  const { now, out, err } = terminal
  const today = new Date(now()).toISOString().slice(0, 10)
  const list = from === undefined ? (await import('./genai-prices.ts')).genaiPrices(today) : readList(from)
  const served = await servedModels(config, err)
  if (served.size === 0) throw new Failed('No upstream says which models it has, so there is nothing to price.')
  const book = new ModelBook(config.models ?? [], () => [])
  const known = [...served.keys()].filter((name) => book.find(name).prices.length > 0)
  const models: ServedModel[] = [...served]
    .filter(([name]) => !known.includes(name))
    // In the file such a name would be a pattern, or a variable of the environment.
    .map(([name, url]) => ({ name, listed: /\*|\$\{/.test(name) ? null : list.find(name, url) }))
  const isMore = (config.models ?? []).length > 0
  out(modelsSection({ today, list: list.name, models, known, isMore }))
  const priced = models.filter(({ listed }) => listed !== null).length
  err(`${priced} of ${models.length} models have a price${known.length > 0 ? `, and ${known.length} had one` : ''}.\n`)
  return 0
}

/** Every model with the address of the first upstream that serves it. */
async function servedModels({ upstreams }: GatewayConfig, err: Terminal['err']): Promise<Map<string, string>> {
  const all = upstreams.map((config) => new Upstream(config, realWorld))
  await Promise.all(all.filter(({ mustAsk }) => mustAsk).map((upstream) => upstream.ask()))
  const served = new Map<string, string>()
  for (const upstream of all) {
    const { name, base_url } = upstream.config
    if (upstream.mustAsk && upstream.listed === null)
      err(`The upstream "${name}" did not answer which models it has; only those that the file names are looked up.\n`)
    for (const { id } of upstream.models()) if (!served.has(id)) served.set(id, base_url)
  }
  return new Map([...served].toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

function readList(path: string): PriceList {
  try {
    return litellmPrices(readFileSync(path, 'utf8'))
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is no price list of LiteLLM' : 'cannot be read'
    throw new Failed(`The file ${path} ${why}: ${(error as Error).message}.`, 2)
  }
}
