/**
 * Starts a Worker by the name of its file in this folder, from the sources and in the executable
 * alike.
 */

/**
 * In the executable, and in a bundle, every module lies at the root of the sources; Workers are
 * apart, by their path from there: `scripts/build.ts` names them.
 */
const isSource = import.meta.url.endsWith('.ts')

/** It keeps no process alive. */
export const startWorker = (name: 'report-worker' | 'token-worker') =>
  new Worker(new URL(isSource ? `./${name}.ts` : `./server/${name}.js`, import.meta.url), { ref: false })
