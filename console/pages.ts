/**
 * The pages of the console: where each is, who is shown it, and the file that it is loaded from.
 */
import type { Load } from './parts/loaded.tsx'
import { match } from './place.ts'
import { can, managedBy, type Me } from './session.ts'

export interface PageProps {
  me: Me
  /** The values of the names in the page's path. */
  params: Record<string, string>
}

interface PageEntry {
  /** Below the console; `:name` stands for any one segment. */
  path: string
  /** What navigation calls it; null for a page that others link to. */
  name: string | null
  /** Who finds it in the navigation. The server decides what they may see. */
  isFor: (me: Me) => boolean
  /** Loaded when it is first opened. */
  load: Load<PageProps>
}

/** In the order of the navigation. */
export const pages: readonly PageEntry[] = [
  {
    path: '/keys',
    name: 'Keys',
    isFor: (me) => can(me, 'api.management.read'),
    load: () => import('./pages/keys.tsx'),
  },
  {
    path: '/projects',
    name: 'Projects',
    isFor: (me) => can(me, 'api.management.read') || managedBy(me).length > 0,
    load: () => import('./pages/projects.tsx'),
  },
  { path: '/projects/:id', name: null, isFor: () => true, load: () => import('./pages/project.tsx') },
  { path: '/projects/:project_id/keys/:id', name: null, isFor: () => true, load: () => import('./pages/key.tsx') },
  {
    path: '/people',
    name: 'People',
    isFor: (me) => can(me, 'api.management.read'),
    load: () => import('./pages/people.tsx'),
  },
  {
    path: '/people/:id',
    name: null,
    isFor: (me) => can(me, 'api.management.read'),
    load: () => import('./pages/person.tsx'),
  },
  { path: '/my-keys', name: 'My keys', isFor: () => true, load: () => import('./pages/my-keys.tsx') },
  {
    path: '/usage',
    name: 'Usage and spend',
    // Everybody sees what they used themselves.
    isFor: () => true,
    load: () => import('./pages/usage.tsx'),
  },
  {
    path: '/audit',
    name: 'Audit log',
    isFor: (me) => can(me, 'api.management.read'),
    load: () => import('./pages/audit.tsx'),
  },
  {
    path: '/workloads',
    name: 'Workloads',
    isFor: (me) => can(me, 'api.management.read'),
    load: () => import('./pages/workloads.tsx'),
  },
  {
    path: '/security',
    name: 'Security',
    isFor: (me) => can(me, 'api.management.read'),
    load: () => import('./pages/security.tsx'),
  },
  {
    path: '/server',
    name: 'Server',
    isFor: (me) => can(me, 'api.management.read'),
    load: () => import('./pages/server.tsx'),
  },
  { path: '/sessions', name: 'Sessions', isFor: () => true, load: () => import('./pages/sessions.tsx') },
]

/** The pages that somebody finds in the navigation. */
export const navigation = (me: Me) => pages.filter(({ name, isFor }) => name !== null && isFor(me))

export function findPage(path: string): { page: PageEntry; params: Record<string, string> } | null {
  for (const page of pages) {
    const params = match(page.path, path)
    if (params) return { page, params }
  }
  return null
}
