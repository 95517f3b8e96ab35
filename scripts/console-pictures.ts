/**
 * `npm run docs -- --pictures console`: docs/console/*.png, each page of the console with the demo
 * organization, in light and dark. It needs a Chromium.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { Keyhall } from '../client/index.ts'
import { DEMO_DAY, serveDemo, type DemoServer } from './demo-server.ts'

export const FOLDER = join(import.meta.dir, '../docs/console')

interface Shown {
  project_id: string
  user_id: string
  key_id: string
}

/** The pictures: the name of each, and the address that it shows. */
const pictures: Record<string, (shown: Shown) => string> = {
  keys: () => '/keys',
  'keys-unused': () => '/keys?used=not-90-days&sort=used-first',
  key: ({ project_id, key_id }) => `/projects/${project_id}/keys/${key_id}`,
  'my-keys': () => '/my-keys',
  projects: () => '/projects',
  project: ({ project_id }) => `/projects/${project_id}?tab=service-accounts`,
  policies: ({ project_id }) => `/projects/${project_id}?tab=policies`,
  budget: ({ project_id }) => `/projects/${project_id}?tab=budget`,
  people: () => '/people',
  roles: () => '/people?tab=roles',
  person: ({ user_id }) => `/people/${user_id}`,
  usage: () => '/usage',
  audit: () => '/audit',
  security: () => '/security',
  workloads: () => '/workloads',
  server: () => '/server',
  sessions: () => '/sessions',
}

export async function drawConsole(executablePath: string) {
  mkdirSync(FOLDER, { recursive: true })
  const demo = await serveDemo({ withConsole: true })
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    for (const colorScheme of ['light', 'dark'] as const) await drawAll(browser, demo, colorScheme)
  } finally {
    await browser.close()
    await demo.stop()
  }
}

async function drawAll(browser: Browser, { url, admin_key }: DemoServer, colorScheme: 'light' | 'dark') {
  const viewport = { width: 1200, height: 750 }
  const context = await browser.newContext({ viewport, colorScheme, locale: 'en-GB', timezoneId: 'UTC' })
  const page = await context.newPage()
  await page.clock.setFixedTime(DEMO_DAY)
  await page.goto(`${url}/console/`)
  await draw(page, 'sign-in', colorScheme)
  await page.getByLabel('Admin key').fill(admin_key)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('navigation').waitFor()
  const { projects, users } = new Keyhall({ adminAPIKey: admin_key, baseURL: `${url}/v1` }).admin.organization
  const [project] = (await projects.list({ limit: 1 })).data
  const [person] = (await users.list({ limit: 1 })).data
  const [key] = (await projects.apiKeys.list(project!.id, { limit: 1 })).data
  const shown = { project_id: project!.id, user_id: person!.id, key_id: key!.id }
  for (const [name, addressOf] of Object.entries(pictures)) {
    await page.goto(`${url}/console${addressOf(shown)}`)
    await draw(page, name, colorScheme)
  }
  await context.close()
}

async function draw(page: Page, name: string, colorScheme: string) {
  await page.waitForSelector('h1')
  await page.waitForLoadState('networkidle')
  await page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}.png`), animations: 'disabled' })
}
