/** The settings of parts with a port of their own, and of who may read the metrics. */
import { host, oneOf, port, setting } from './setting.ts'

const metricsAccess = ['loopback', 'all'] as const

export const listenerSettings = {
  admin_port: setting({
    env: 'KEYHALL_ADMIN_PORT',
    value: 'PORT',
    default: null,
    about:
      'A port of its own for the Administration API, `/openapi.json`, the console and the page that accepts invitations. They are then answered nowhere else. 0 for any port that is free.',
    parse: port,
  }),
  admin_host: setting({
    env: 'KEYHALL_ADMIN_HOST',
    value: 'HOST',
    default: '127.0.0.1',
    about: 'The address to listen on for `KEYHALL_ADMIN_PORT`.',
    parse: host,
  }),
  gateway_port: setting({
    env: 'KEYHALL_GATEWAY_PORT',
    value: 'PORT',
    default: null,
    about:
      'A port of its own for model requests and `/verify`. They are then answered nowhere else. 0 for any port that is free.',
    parse: port,
  }),
  gateway_host: setting({
    env: 'KEYHALL_GATEWAY_HOST',
    value: 'HOST',
    default: '127.0.0.1',
    about: 'The address to listen on for `KEYHALL_GATEWAY_PORT`.',
    parse: host,
  }),
  metrics_port: setting({
    env: 'KEYHALL_METRICS_PORT',
    value: 'PORT',
    default: null,
    about:
      'A port of its own for `/metrics`, which is then answered nowhere else, and there to every caller. 0 for any port that is free.',
    parse: port,
  }),
  metrics_host: setting({
    env: 'KEYHALL_METRICS_HOST',
    value: 'HOST',
    default: '127.0.0.1',
    about: 'The address to listen on for `KEYHALL_METRICS_PORT`.',
    parse: host,
  }),
  metrics_access: setting({
    env: 'KEYHALL_METRICS_ACCESS',
    value: 'WHO',
    default: 'loopback',
    about:
      'Who may read `/metrics` where it has no port of its own: `loopback` for callers on this machine that did not come through a proxy, or `all`.',
    parse: oneOf(metricsAccess),
  }),
}
