/**
 * A registry for npm on this machine, which has the packages that are installed here, as
 * package-lock.json describes them: so that a test can install Keyhall without a network.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const modules = 'node_modules/'

interface Locked {
  version: string
  dev?: boolean
}

/** Starts the registry for the tree at `root`. */
export function startRegistry(root: string) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> }
  const packages = new Map(
    Object.entries(lock.packages)
      .filter(([path, { dev }]) => path.startsWith(modules) && !dev)
      .map(([path, locked]) => [path.slice(modules.length), locked]),
  )
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    development: false,
    fetch({ url }) {
      const path = decodeURIComponent(new URL(url).pathname).slice(1)
      const name = path.replace(/\/-\.tgz$/, '')
      const locked = packages.get(name)
      const folder = join(root, modules, name)
      if (!locked) return Response.json({ error: `no package ${name}` }, { status: 404 })
      if (path === name) return Response.json(description(name, locked, new URL(`/${name}/-.tgz`, url).href))
      if (!existsSync(folder)) return Response.json({ error: `${name} is not installed here` }, { status: 404 })
      return new Response(Bun.spawn(['tar', '-C', folder, '-c', '.']).stdout)
    },
  })
  return { url: server.url.href, stop: () => server.stop(true) }
}

const description = (name: string, locked: Locked, tarball: string) => ({
  name,
  'dist-tags': { latest: locked.version },
  versions: { [locked.version]: { ...locked, name, dist: { tarball } } },
})
