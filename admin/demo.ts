/** An organization worth looking at, for `--demo`. */
import type { Database } from '../database/open.ts'
import type { Pepper } from '../keys/digest.ts'
import type { World } from '../keys/world.ts'
import type { FirstStart } from './host.ts'

export async function fillDemo(
  _database: Database,
  _pepper: Pepper,
  _world: World,
  first: FirstStart | null,
): Promise<boolean> {
  return first !== null
}
