/**
 * `keyhall audit verify` and `keyhall audit accept`: whether the audit log is what Keyhall wrote.
 */
import { acceptChain } from '../admin/accept-chain.ts'
import { RevocationsFile } from '../admin/kept-revocations/append-only-file.ts'
import { verifyChain, type BrokenChain, type NotedLink } from '../admin/verify-chain.ts'
import { wrongUsage, type ExitCode } from '../world/failed.ts'
import type { Terminal } from '../world/terminal.ts'
import type { Config } from './config.ts'
import { openStartedWithPepper } from './open-storage.ts'

type Storage = Pick<Config, 'database' | 'pepper' | 'pepper_file'>

/**
 * Prints the newest links, or the first row that does not hold. `links` are links noted elsewhere,
 * which must be in the log.
 */
export async function verifyAudit(
  config: Storage & Pick<Config, 'revocations_file'>,
  links: readonly string[],
  { out, err }: Terminal,
): Promise<ExitCode> {
  const noted = links.map(parseLink)
  const { database, peppers } = await openStartedWithPepper(config)
  try {
    noted.push(...(await linksOf(new RevocationsFile(config.revocations_file, peppers))))
    const { rows, unsealed, broken, newest } = await verifyChain(database.read, peppers, noted)
    if (broken) {
      err(`keyhall: ${sentenceOf(broken)}\n`)
      return 1
    }
    const older = unsealed > 0 ? `, of which the oldest ${unsealed} are from before there were seals` : ''
    out(`The audit log is whole: ${counted(rows)}${older}.\n`)
    for (const { organization_id, seq, hash } of newest)
      out(`Newest link: ${organization_id}:${seq}:${Buffer.from(hash).toString('hex')}\n`)
    return 0
  } finally {
    await database.close()
  }
}

/** Seals the log as it is, when somebody knows why its head had no valid seal. */
export async function acceptAudit(config: Storage, { out, err }: Terminal): Promise<ExitCode> {
  const { database, peppers } = await openStartedWithPepper(config)
  try {
    const { accepted, broken } = await acceptChain(database, peppers)
    for (const one of accepted) out(`Accepted and sealed. It was: ${sentenceOf(one)}\n`)
    if (broken) {
      err(`keyhall: ${sentenceOf(broken)} This cannot be accepted; restore a backup.\n`)
      return 1
    }
    if (accepted.length === 0) out('The audit log is whole; there is nothing to accept.\n')
    return 0
  } finally {
    await database.close()
  }
}

export const sentenceOf = ({ organization_id, seq, why }: BrokenChain) =>
  `The audit log of ${organization_id} is broken at seq ${seq}: ${why}.`

/** The newest link of each organization that the revocations file knows. */
async function linksOf(file: RevocationsFile): Promise<NotedLink[]> {
  const kept = await file.read().catch(() => null)
  const newest = new Map<string, NotedLink>()
  for (const line of kept?.lines ?? []) if (line.type === 'link') newest.set(line.organization_id, line)
  return [...newest.values()]
}

const counted = (rows: number) => `${rows} ${rows === 1 ? 'row' : 'rows'}`

/** A link as the log prints it: `SEQ:HASH`, or `ORGANIZATION:SEQ:HASH`. */
function parseLink(text: string): NotedLink {
  const [, organization_id, seq, hash] = /^(?:(.+):)?(\d{1,15}):([0-9a-f]{64})$/i.exec(text) ?? []
  if (!hash || Number(seq) < 1)
    throw wrongUsage(
      `--link must be SEQ:HASH, such as "keyhall audit verify" and the server's log print it, not "${text}".`,
    )
  return { organization_id: organization_id ?? null, seq: Number(seq), hash }
}
