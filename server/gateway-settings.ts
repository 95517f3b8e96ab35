/** The settings of model requests: where they go, how large they may be, how long they may take. */
import { Secret } from '../world/secret.ts'
import { fileOf } from './secret-files.ts'
import { must, origins, setting, size, whole } from './setting.ts'

export const gatewaySettings = {
  upstream: setting({
    env: 'KEYHALL_UPSTREAM',
    value: 'URL',
    default: null,
    about:
      'The model server that the gateway forwards to, such as `http://127.0.0.1:8000/v1`. For more than one, a file: `KEYHALL_CONFIG`.',
    parse: (text) => (/^https?:\/\/./.test(text) ? text : must('begin with http:// or https://')),
  }),
  upstream_api_key: setting({
    env: 'KEYHALL_UPSTREAM_API_KEY',
    value: 'KEY',
    default: null,
    about: 'The key that the gateway shows to that model server.',
    parse: (text) => (/^[\x21-\x7e]+$/.test(text) ? new Secret(text) : must('be printable characters without spaces')),
  }),
  upstream_api_key_file: fileOf('KEYHALL_UPSTREAM_API_KEY', 'that key'),
  config: setting({
    env: 'KEYHALL_CONFIG',
    value: 'FILE',
    default: null,
    about:
      'A YAML file with the model servers behind the gateway, and with settings of the server (`server:`). The model servers are read again on SIGHUP.',
    parse: (text) => text,
  }),
  max_body: setting({
    env: 'KEYHALL_MAX_BODY',
    value: 'SIZE',
    default: '32MiB',
    about: 'The greatest size of the JSON body of a model request, decompressed.',
    parse: size,
  }),
  max_upload: setting({
    env: 'KEYHALL_MAX_UPLOAD',
    value: 'SIZE',
    default: '512MiB',
    about:
      'The greatest size of a form with files, and of a body that passes unread. One above 256 KiB is kept in an unnamed file in the temporary folder until it was forwarded; a twentieth of that disk always stays free.',
    parse: size,
  }),
  body_memory: setting({
    env: 'KEYHALL_BODY_MEMORY',
    value: 'SIZE',
    default: null,
    about:
      'The greatest size of all request bodies in memory together; beyond it a request is refused with 503 and `retry-after`. By default an eighth of the memory of the machine or container.',
    parse: size,
  }),
  body_memory_per_key: setting({
    env: 'KEYHALL_BODY_MEMORY_PER_KEY',
    value: 'SIZE',
    default: null,
    about:
      'The greatest part of that memory for the requests of one key. By default a quarter of `KEYHALL_BODY_MEMORY`, and never less than `KEYHALL_MAX_BODY`.',
    parse: size,
  }),
  cors_origins: setting({
    env: 'KEYHALL_CORS_ORIGINS',
    value: 'ORIGINS',
    default: null,
    about:
      'Origins of web pages that may call the gateway from a browser, such as `https://app.example.com`, with commas between; `*` for any. By default none. A key in a page can be read by everybody who opens the page.',
    parse: origins,
  }),
  drain_seconds: setting({
    env: 'KEYHALL_DRAIN_SECONDS',
    value: 'SECONDS',
    default: '0',
    about:
      'How many seconds a stream is still read from its upstream after its client has left, so that the upstream reports the usage. With 0 the upstream is stopped at once, and the tokens that came are counted.',
    parse: whole(0, 3600),
  }),
  shutdown_delay_seconds: setting({
    env: 'KEYHALL_SHUTDOWN_DELAY_SECONDS',
    value: 'SECONDS',
    default: '0',
    about:
      'How many seconds after SIGTERM or SIGINT the server still accepts requests, while `/readyz` is 503 already, so that load balancers leave before the ports close.',
    parse: whole(0, 3600),
  }),
  shutdown_seconds: setting({
    env: 'KEYHALL_SHUTDOWN_SECONDS',
    value: 'SECONDS',
    default: '30',
    about:
      'How many seconds requests and streams under way may go on after the ports were closed, before they are ended with an error. Whatever stops the process must wait for the delay and for these, and five seconds longer.',
    parse: whole(0, 3600),
  }),
}
