/** How each operation on sessions and on the caller is called with success. */
import type { contract } from '../contract/index.ts'
import { fillSessions, newOwnKey, newProject, newSession } from './made.ts'
import { nothing, type Recipes } from './recipe.ts'
import { fromPage } from './setup.ts'

export const people: Recipes<Pick<typeof contract.admin.organization, 'sessions' | 'me'>> = {
  sessions: {
    list: { prepare: nothing, events: {} },
    create: {
      // Of somebody with as many sessions as there can be the oldest ends.
      async prepare(tenant) {
        await fillSessions(tenant)
        return { params: {}, body: { admin_key: tenant.admin_key }, headers: fromPage }
      },
      events: { 'login.succeeded': 1, 'logout.succeeded': 1 },
    },
    delete: {
      prepare: async (tenant) => ({ params: { session_id: (await newSession(tenant)).id } }),
      events: { 'logout.succeeded': 1 },
    },
    links: {
      create: {
        prepare: async () => ({ params: {}, body: { email: 'ann@example.com' }, headers: fromPage }),
        // The server of these tests has no mail server.
        refusal: 'mail_not_configured',
        events: {},
      },
    },
  },
  me: {
    retrieve: { prepare: nothing, events: {} },
    limits: {
      retrieve: {
        prepare: async (tenant) => ({ params: { project_id: (await newProject(tenant)).id } }),
        events: {},
      },
    },
    apiKeys: {
      list: { prepare: nothing, events: {} },
      create: {
        prepare: async (tenant) => ({
          params: {},
          body: { project_id: (await newProject(tenant)).id, name: 'laptop' },
        }),
        events: { 'api_key.created': 1 },
      },
      rotate: {
        prepare: async (tenant) => ({ params: { api_key_id: await newOwnKey(tenant) }, body: { overlap_seconds: 60 } }),
        events: { 'api_key.created': 1, 'api_key.updated': 1 },
      },
      delete: {
        prepare: async (tenant) => ({ params: { api_key_id: await newOwnKey(tenant) } }),
        events: { 'api_key.deleted': 1 },
      },
    },
  },
}
