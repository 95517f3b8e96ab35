/**
 * The value of a new key: shown once, with lines to paste, until somebody says that it is stored.
 */
import { useSignal } from '@preact/signals'
import { base } from '../place.ts'
import { CopyButton } from './copy-button.tsx'
import { Dialog } from './dialog.tsx'

export type KeyKind = 'project' | 'admin'

interface Props {
  value: string
  kind?: KeyKind
  onDone: () => void
}

export function ShownOnce({ value, kind = 'project', onDone }: Props) {
  const isStored = useSignal(false)
  const lines = kind === 'admin' ? adminLines(adminUrl, value) : linesFor(gatewayUrl(), value)
  return (
    <Dialog title="Your new key" onClose={onDone} isLocked>
      <p>This is the only time that it is shown. Copy it now; nobody can show it again.</p>
      <div class="secret">
        <code>{value}</code>
        <CopyButton text={value} of="the key" />
      </div>
      {lines.map(({ name, lines }, at) => (
        <details key={name} name="lines" open={at === 0}>
          <summary>{name}</summary>
          <div class="lines">
            <pre tabIndex={0} aria-label={`Lines for ${name}`}>
              {lines}
            </pre>
            <CopyButton text={lines} of={`the lines for ${name}`} />
          </div>
        </details>
      ))}
      <label class="check">
        <input
          type="checkbox"
          checked={isStored.value}
          onChange={(event) => (isStored.value = event.currentTarget.checked)}
        />
        I have stored the key
      </label>
      <div class="buttons">
        <button type="button" class="primary" disabled={!isStored.value} onClick={onDone}>
          Done
        </button>
      </div>
    </Dialog>
  )
}

/** The base URL of model requests, as the server says it; else the address of the console. */
function gatewayUrl() {
  const said = document.querySelector<HTMLMetaElement>('meta[name=keyhall-gateway]')?.content
  return said || adminUrl
}

/** The base URL of the Administration API: the console stands beside it. */
const adminUrl = new URL('../v1', base).href

const linesFor = (url: string, key: string) => [
  {
    name: 'curl',
    lines: `export OPENAI_BASE_URL="${url}" OPENAI_API_KEY="${key}"\ncurl "$OPENAI_BASE_URL/models" -H "Authorization: Bearer $OPENAI_API_KEY"`,
  },
  {
    name: 'Python',
    lines: `from openai import OpenAI\n\nclient = OpenAI(base_url="${url}", api_key="${key}")\nprint(client.models.list().data)`,
  },
  {
    name: 'Node.js',
    lines: `import OpenAI from 'openai'\n\nconst client = new OpenAI({ baseURL: '${url}', apiKey: '${key}' })\nconsole.log((await client.models.list()).data)`,
  },
]

const adminLines = (url: string, key: string) => [
  {
    name: 'curl',
    lines: `export OPENAI_BASE_URL="${url}" OPENAI_ADMIN_KEY="${key}"\ncurl "$OPENAI_BASE_URL/organization/projects" -H "Authorization: Bearer $OPENAI_ADMIN_KEY"`,
  },
  {
    name: 'Python',
    lines: `from openai import OpenAI\n\nclient = OpenAI(base_url="${url}", admin_api_key="${key}")\nprint(client.admin.organization.projects.list().data)`,
  },
  {
    name: 'Node.js',
    lines: `import OpenAI from 'openai'\n\nconst client = new OpenAI({ baseURL: '${url}', adminAPIKey: '${key}' })\nconsole.log((await client.admin.organization.projects.list()).data)`,
  },
]
