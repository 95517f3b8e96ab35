/**
 * Each promise of docs/reliability.md, tried as it is, and again with the mend behind it taken out.
 * Both are tried on a copy of the source, so that what differs is the mend alone. Numbers on the
 * command line choose items.
 */
import { promises } from './promises/entries.ts'
import type { Promised } from './promises/promise.ts'
import { SourceCopy } from './promises/source-copy.ts'

export async function run() {
  const chosen = process.argv.slice(3).map(Number)
  const copy = new SourceCopy()
  const broken: string[] = []
  try {
    for (const promise of promises)
      if (chosen.length === 0 || chosen.includes(promise.item)) broken.push(...(await tried(promise, copy)))
  } finally {
    copy.remove()
  }
  console.log(broken.length === 0 ? '\nEvery promise holds, and no control does.' : `\n${broken.join('\n')}`)
  process.exitCode = broken.length === 0 ? 0 : 1
}

/** Prints both trials, and answers what is wrong with them. */
async function tried({ item, about, try: attempt, control }: Promised, copy: SourceCopy): Promise<string[]> {
  console.log(`\n${item}. ${about}`)
  const asItIs = await attempt(copy.folder, false)
  console.log(`   as it is           ${asItIs.holds ? 'holds' : 'BROKEN'}: ${asItIs.figure}`)
  const without = await copy.without(control, () => attempt(copy.folder, true))
  console.log(`   without the mend   ${without.holds ? 'HOLDS' : 'fails'}: ${without.figure}`)
  return [
    ...(asItIs.holds ? [] : [`${item}. is broken: ${about}`]),
    ...(without.holds ? [`${item}. its control holds, so the trial proves nothing: ${about}`] : []),
  ]
}
