/**
 * docs/keys.svg, the README's picture, from what the command really prints about the demo
 * organization: `npm run docs -- --pictures`.
 */
import { join } from 'node:path'
import { keyhall } from '../cli/keyhall.ts'
import { DEMO_DAY, serveDemo } from './demo-server.ts'

export const PICTURE = join(import.meta.dir, '../docs/keys.svg')
const COLUMNS = 120
const LINE = 'api-keys list --owner-type service_account --order-by last_used_at --limit 6'

/** What the command prints on a terminal of this width, in a place whose local time is UTC. */
async function printed(): Promise<string> {
  const demo = await serveDemo()
  const zone = process.env.TZ
  process.env.TZ = 'UTC'
  let out = ''
  let err = ''
  try {
    const code = await keyhall(LINE.split(' '), {
      environment: { OPENAI_ADMIN_KEY: demo.admin_key, OPENAI_BASE_URL: `${demo.url}/v1` },
      now: () => DEMO_DAY,
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      isTerminal: true,
      isErrTerminal: true,
      columns: COLUMNS,
      width: Bun.stringWidth,
      program: 'keyhall',
      onReload: () => {},
      onStop: () => {},
      exit: () => {},
    })
    if (code !== 0) throw new Error(err)
  } finally {
    process.env.TZ = zone
    await demo.stop()
  }
  return out
}

const FONT = 13
const ROW = 22
const CHARACTER = 7.83
const MARGIN = 20

/** The lines as text in a picture, with the command above them. */
function svg(lines: readonly string[]): string {
  const width = Math.ceil(COLUMNS * CHARACTER + 2 * MARGIN)
  const height = 56 + ROW * (lines.length + 1)
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const text = (line: string, row: number, kind = '') =>
    `  <text x="${MARGIN}" y="${56 + ROW * row}" xml:space="preserve"${kind}>${line}</text>\n`
  const rows = lines.map((line, row) => text(escaped(line), row + 1, row === 0 ? ' class="head"' : ''))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Keys of service accounts, listed on a terminal">
  <style>
    text { font: ${FONT}px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre; fill: #c9d1d9 }
    .head { fill: #8b949e }
    .prompt { fill: #7ee787 }
  </style>
  <rect width="${width}" height="${height}" rx="8" fill="#0d1117" />
  <circle cx="20" cy="18" r="5" fill="#30363d" /><circle cx="38" cy="18" r="5" fill="#30363d" /><circle cx="56" cy="18" r="5" fill="#30363d" />
${text(`<tspan class="prompt">$</tspan> keyhall ${LINE}`, 0)}${rows.join('')}</svg>
`
}

export const picture = async () => svg((await printed()).trimEnd().split('\n'))
