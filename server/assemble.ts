/** Assembles the server: administration, the gateway with `/verify`, and the metrics. */
import { adminApp, type AdminOptions } from '../admin/admin-app.ts'
import type { AdminContext } from '../admin/call.ts'
import { OidcEndpoint } from '../admin/oidc/oidc-endpoint.ts'
import type { OidcSettings } from '../admin/oidc/oidc-settings.ts'
import { SignInLinks } from '../admin/sessions/sign-in-links.ts'
import { SignIns } from '../admin/sessions/sign-ins.ts'
import { IssuerKeys } from '../admin/workload-identity/issuer-keys.ts'
import { TokenEndpoint } from '../admin/workload-identity/token-endpoint.ts'
import { Gateway } from '../gateway/gateway-app.ts'
import { KeyAuthorizer, type VerifyContext } from '../gateway/authorize.ts'
import { findExpected } from '../gateway/meter/find-expected.ts'
import { standardPolicies } from '../gateway/policies/index.ts'
import { Policies } from '../gateway/policies/policies.ts'
import type { GatewayConfig } from '../gateway/upstream-config.ts'
import { verifyEndpoint } from '../gateway/verify-endpoint.ts'
import { Cors } from '../http/cors.ts'
import { BodyBudget } from '../http/body-budget.ts'
import type { RequestLine } from '../http/request-line.ts'
import type { Reporting } from '../http/respond.ts'
import type { KeyRing } from '../keys/ring.ts'
import type { Owner } from '../ledger/expected-windows.ts'
import { Metrics } from '../metrics/metrics.ts'
import type { Parts } from './parts.ts'
import { pause } from '../revocation/nodes.ts'
import { startBackground, stopBackground, type Background } from './background.ts'
import { version } from '../world/version.ts'
import { ConsolePages } from './console-pages.ts'
import { describeServer } from './describe-server.ts'
import { measure, measureCors, measureProbes } from './measure.ts'
import { measureLimits } from './measure-limits.ts'
import { openMeter, type Meter } from './open-meter.ts'
import { Probes } from './probes.ts'
import { Router, type Handler } from './router.ts'

/** Only the answer to a call that makes a key has it: it is not lost where the database hangs. */
const LONGEST_EXPECTING_MILLISECONDS = 1_000

export interface Assembled {
  /** Administration, the gateway and `/verify`. */
  fetch: Handler
  /** Makes the handlers of listeners for one part each. */
  router: Router
  context: AdminContext & VerifyContext
  gateway: Gateway
  probes: Probes
  /** Takes the file with the upstreams as it is now. */
  configure: (config: GatewayConfig | null, oidc?: OidcSettings | null) => void
  /** What happens by itself every now and then, done now. */
  now: {
    /** Tells the database what was used. */
    writeUsage: () => Promise<void>
    /** Looks for results of batches and background responses. */
    lookForResults: () => Promise<void>
    /** Deletes old usage. */
    prune: () => Promise<void>
    /** Deletes access tokens that have expired. */
    deleteExpiredRows: () => Promise<void>
  }
  /** Writes what is buffered and leaves the other processes. The database stays open. */
  stop: () => Promise<void>
}

/** The database must be open, its pepper checked, and it must have an organization. */
export async function assemble(parts: Parts): Promise<Assembled> {
  const { database, world, upstreams, mail = null, keepRevocations = async () => {} } = parts
  const metrics = new Metrics(version, () => gateway.namedModels())
  const bodies = new BodyBudget(parts.bodyLimits)
  const log = countedBy(metrics, parts.log)
  const options = { ...parts, bodies, log, hasConsole: Boolean(parts.console) }
  let isAssembled = false
  const expected = findExpected(database, () => (isAssembled ? gateway.models() : null))
  const background = await startBackground(parts, metrics, expected)
  const { keys, forged, cache, lastUsed, ledger, revocations, reports } = background
  const models = () => gateway.models()
  const meter = openMeter({ ...parts, ledger, models, gateway: () => gateway })
  const mayFetchFrom = parts.issuerHosts ?? new Set<string>()
  const report = reports.make
  const describe = () => describeServer({ gateway, probes, revocations, world })
  const expectRequests = (project: Owner) =>
    Promise.race([ledger.expect([project]), pause(LONGEST_EXPECTING_MILLISECONDS, { idly: true })])
  const ofServer = { describeServer: describe, expectRequests }
  const shared = { database, keys, lastUsed, world, mail, cache, revocations, keepRevocations, models, mayFetchFrom }
  const context = { ...shared, ...openSignIn(parts, keys, metrics), ...ofServer, report }
  const { admin, oidc, tokens } = openAdmin(context, background, options)
  const policies = new Policies([...standardPolicies(meter.context, parts), ...(parts.policies ?? [])])
  const authorizer = new KeyAuthorizer(context, policies, parts.addressOf)
  const gateway = new Gateway({ authorizer, policies, world }, upstreams, options)
  isAssembled = true
  await ledger.expect('all')
  meter.start()
  measureLimits(metrics, { ...meter.context, database })
  const probes = openProbes(gateway, parts, metrics, { world, log })
  measure(metrics, { cache, lastUsed, gateway, authorizer, bodies, forged, tokens })
  const router = new Router(
    {
      admin: (request) => admin.fetch(request),
      gateway: openToPages(gateway, parts, metrics),
      isForGateway: gateway.hasPath,
      token: tokens.fetch,
      verify: verifyEndpoint({ authorizer, policies, world }, options),
      metrics: () => metrics.page(),
      probes,
      console: parts.console ? new ConsolePages(parts.console, { world, log }).fetch : null,
    },
    { world, log },
  )
  return {
    context,
    gateway,
    probes,
    now: doneNow(background, meter),
    router,
    fetch: router.serving(['admin', 'gateway']),
    configure(config, signIn = null) {
      oidc.configure(signIn)
      gateway.configure(config)
      background.webhook.current = config?.spend?.webhook ?? null
      void ledger.expect('all')
    },
    stop: () => stopAll(gateway, meter, background, mail),
  }
}

const doneNow = ({ ledger, pruner, expiredRows }: Background, meter: Meter): Assembled['now'] => ({
  writeUsage: () => ledger.flush(),
  lookForResults: () => meter.context.results.look(),
  prune: () => pruner.look(),
  deleteExpiredRows: () => expiredRows.delete(),
})

async function stopAll(gateway: Gateway, meter: Meter, background: Background, mail: Parts['mail']) {
  gateway.stop()
  await meter.stop()
  await stopBackground(background)
  mail?.close()
}

/** Administration, and where people and workloads come in from an issuer. */
function openAdmin(context: AdminContext, { providers }: Pick<Background, 'providers'>, options: Parts & AdminOptions) {
  const oidc = new OidcEndpoint(context, options)
  oidc.configure(options.oidc ?? null)
  const issuerKeys = new IssuerKeys(context.world, context.mayFetchFrom)
  const tokens = new TokenEndpoint({ ...context, providers, issuerKeys }, options)
  return { admin: adminApp(context, { ...options, oidcEndpoint: oidc }), oidc, tokens }
}

/** How people sign in without an issuer. */
const openSignIn = ({ database, world, mail = null, onError }: Parts, keys: KeyRing, metrics: Metrics) => ({
  signIns: new SignIns(world, metrics.countSignIn),
  signInLinks: new SignInLinks({ database, keys, world, mail, onError }),
})

/** Tells the metrics and the log of each request. */
const countedBy = (metrics: Metrics, log: Parts['log']) => (line: RequestLine) => {
  metrics.count(line)
  log(line)
}

function openProbes(
  gateway: Gateway,
  { database, addressOf, warn = () => {} }: Parts,
  metrics: Metrics,
  reporting: Reporting,
): Probes {
  const { world } = reporting
  const onChange = (isReady: boolean, reasons: string, about: Record<string, unknown>) =>
    isReady ? warn('The server is ready again.', about) : warn(`The server is not ready. ${reasons}`, about)
  const probed = { database, world, knowsUpstreams: () => gateway.knowsUpstreams, onChange }
  const probes = new Probes(probed, reporting, addressOf)
  measureProbes(metrics, probes)
  return probes
}

/** The gateway, which pages of other origins may call where the operator names any. */
function openToPages(gateway: Gateway, { corsOrigins, world }: Parts, metrics: Metrics): Handler {
  const answer: Handler = (request) => gateway.fetch(request)
  if (!corsOrigins) return answer
  const cors = new Cors(corsOrigins, world)
  measureCors(metrics, cors)
  return cors.around(answer)
}
