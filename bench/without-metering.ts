/** Loaded before Keyhall: takes its metering out, to see what that costs. */
import { plugin } from 'bun'

const contents = `export const metering = () => ({ name: 'metering', withoutModel: 'applies' })`

plugin({
  name: 'without metering',
  setup: (build) =>
    void build.onLoad({ filter: /gateway\/policies\/metering\.ts$/ }, () => ({ contents, loader: 'ts' })),
})
