/** Builds the console for browsers, from its sources. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The console as browsers load it; all of it is text. */
export interface ConsoleFiles {
  /**
   * index.html, with `{{console}}` where the way from a page's address to the console's own
   * belongs.
   */
  index: string
  /** By name; a name holds a hash of its content. */
  assets: Record<string, string>
}

/**
 * `root` holds the folder `console/`. With `reloads`, pages load themselves anew when it changes.
 */
export async function buildConsole(root: string, { reloads = false } = {}): Promise<ConsoleFiles> {
  const folder = join(root, 'console')
  const scripts = ['index.tsx', ...(reloads ? ['reload.ts'] : [])]
  const { outputs } = await Bun.build({
    entrypoints: scripts.map((file) => join(folder, file)),
    root: folder,
    target: 'browser',
    format: 'esm',
    splitting: true,
    minify: true,
    naming: '[name]-[hash].[ext]',
    jsx: { runtime: 'automatic', importSource: 'preact', development: false },
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  const assets: Record<string, string> = {}
  for (const output of outputs) assets[output.path.replace(/^.*[/\\]/, '')] = await output.text()
  const styles = stylesIn(join(folder, 'styles'))
  const stylesName = `styles-${createHash('sha256').update(styles).digest('hex').slice(0, 8)}.css`
  assets[stylesName] = styles
  const entries = Object.keys(assets).filter((name) => scripts.some((file) => name.startsWith(`${stem(file)}-`)))
  const tags = entries.map((name) => `<script type="module" src="{{console}}assets/${name}"></script>`)
  const index = readFileSync(join(folder, 'index.html'), 'utf8')
    .replace('{{styles}}', `{{console}}assets/${stylesName}`)
    .replace('{{scripts}}', tags.join('\n    '))
  return { index, assets }
}

const stem = (file: string) => file.replace(/\.\w+$/, '')

/** The style sheets one after the other, without comments and indentation. */
const stylesIn = (folder: string) =>
  readdirSync(folder)
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
    .replace(/\/\*.*?\*\//gs, '')
    .replace(/\s*\n\s*/g, '\n')
