/** How much memory request bodies may take, from the settings and the memory of the machine. */
import { totalmem } from 'node:os'
import { defaultBodyLimits, type BodyLimits } from '../http/body-budget.ts'
import { wrongUsage } from '../world/failed.ts'
import type { Config } from './config.ts'

const SHARE_OF_MEMORY = 1 / 8
const SHARE_OF_A_KEY = 1 / 4

/**
 * Throws Failed with a sentence where a body of the allowed size would not fit into the memory.
 */
export function bodyLimits(
  { body_memory, body_memory_per_key, max_body }: Pick<Config, 'body_memory' | 'body_memory_per_key' | 'max_body'>,
  memory = memoryOfMachine(),
): BodyLimits {
  const total_bytes = body_memory ?? Math.max(max_body, Math.floor(memory * SHARE_OF_MEMORY))
  const key_bytes = body_memory_per_key ?? Math.max(max_body, Math.floor(total_bytes * SHARE_OF_A_KEY))
  if (total_bytes < max_body)
    throw wrongUsage(
      `KEYHALL_BODY_MEMORY must be at least KEYHALL_MAX_BODY (${max_body} bytes), or no body of that size could be read; raise the one or lower the other.`,
    )
  if (key_bytes < max_body)
    throw wrongUsage(
      `KEYHALL_BODY_MEMORY_PER_KEY must be at least KEYHALL_MAX_BODY (${max_body} bytes), or no body of that size could be read; raise the one or lower the other.`,
    )
  return { ...defaultBodyLimits, total_bytes, key_bytes: Math.min(key_bytes, total_bytes) }
}

/** The limit of the container where there is one. */
function memoryOfMachine(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}
