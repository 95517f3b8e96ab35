/** Whether each upstream can be reached and accepts its key. */
import { askUpstream } from '../../gateway/ask-upstream.ts'
import type { UpstreamConfig } from '../../gateway/upstream-config.ts'
import { Upstream } from '../../gateway/upstreams.ts'
import { realWorld } from '../../world/world.ts'
import { check, ok, problem, warning, type Finding, type Host } from './finding.ts'

export const upstreamAnswers = check({
  name: 'upstreams',
  settings: ['upstream', 'upstream_api_key', 'config'],
  late: 'An upstream does not answer GET /v1/models; look whether it is overloaded, and whether a firewall is in between.',
  async look(_, host) {
    const all = host.upstreams?.upstreams ?? []
    if (all.length === 0)
      return [ok('None is set, so no model requests are forwarded; KEYHALL_UPSTREAM or KEYHALL_CONFIG names them.')]
    return Promise.all(all.map((config) => examine(config, host)))
  },
})

async function examine(config: UpstreamConfig, { signal }: Host): Promise<Finding> {
  const name = `The upstream "${config.name}" (${config.base_url})`
  let answer: Response
  try {
    answer = await askUpstream(realWorld, new Upstream(config, realWorld), '/models', signal)
  } catch (error) {
    return problem(`${name} cannot be reached: ${unreached(error)}`)
  }
  const text = await answer.text().catch(() => '')
  return judge(name, config, answer, countModels(text))
}

function judge(name: string, config: UpstreamConfig, { status, ok: isOk }: Response, models: number | null): Finding {
  if (status === 401 || status === 403)
    return problem(
      config.api_key
        ? `${name} refuses the key (${status}); set the one that it accepts.`
        : `${name} wants a key (${status}); set api_key in the file, or KEYHALL_UPSTREAM_API_KEY.`,
    )
  if (status >= 300 && status < 400)
    return problem(`${name} redirects (${status}), which is not followed; write the address that it redirects to.`)
  if (isOk && models !== null) return ok(`${name} answers, with ${models} ${models === 1 ? 'model' : 'models'}.`)
  if (status >= 500) return problem(`${name} answers ${status}; look at its log.`)
  if (config.models !== null && (status === 404 || status === 405))
    return ok(`${name} answers; it lists no models, and the file does.`)
  return (config.models === null ? problem : warning)(
    `${name} answers GET /models with ${status} and no list of models; its address must go up to and with its "/v1", or the file must name its models.`,
  )
}

function countModels(text: string): number | null {
  try {
    const { data } = JSON.parse(text) as { data?: unknown }
    return Array.isArray(data) ? data.length : null
  } catch {
    return null
  }
}

/** Why, and what to do. */
function unreached(error: unknown): string {
  const { code = '', message } = error as Error & { code?: string }
  if (/^E(NOTFOUND|AI_AGAIN)$|^EAI_/.test(code))
    return `there is no such host (${code}); look at its address and the DNS.`
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED); start it, or look at its port.'
  if (/CERT|SIGNED|ISSUER|VERIFY|ALTNAME/.test(code))
    return `its certificate is not accepted (${code}); renew it, or name its authority in NODE_EXTRA_CA_CERTS.`
  const why = code && !message.includes(code) ? `${message.replace(/\.$/, '')} (${code})` : message.replace(/\.$/, '')
  return `${why}; look at its address and at what is in between.`
}
