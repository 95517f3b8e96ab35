/**
 * The value of a new key: shown once, with lines to paste, until somebody says that it is stored.
 */
import { useSignal } from '@preact/signals'
import { base } from '../place.ts'
import { CopyButton } from './copy-button.tsx'
import { Dialog } from './dialog.tsx'

interface Props {
  value: string
  onDone: () => void
}

export function ShownOnce({ value, onDone }: Props) {
  const isStored = useSignal(false)
  return (
    <Dialog title="Your new key" onClose={onDone} isLocked>
      <p>This is the only time that it is shown. Copy it now; nobody can show it again.</p>
      <div class="secret">
        <code>{value}</code>
        <CopyButton text={value} of="the key" />
      </div>
      {linesFor(gatewayUrl(), value).map(({ name, lines }, at) => (
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
  return said || new URL('../v1', base).href
}

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
