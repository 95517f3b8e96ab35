/**
 * Wraps comments with a line over 100 columns; the rest stays as it was written. Part of
 * `npm run fix`, because the formatter leaves comments alone.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { commentLines, isForTools, MOST_COLUMNS, sourceFiles } from './source.ts'

/** The text of a file with its long comments wrapped. */
export function wrapComments(text: string): string {
  const lines = text.split('\n')
  const out: string[] = []
  for (let at = 0; at < lines.length;) {
    const end = endOfComment(lines, at)
    const comment = lines.slice(at, end)
    const isLong = comment.some((line) => line.length > MOST_COLUMNS)
    const mayWrap = end > at && isLong && !comment.some(isForTools)
    if (mayWrap) out.push(...wrap(comment))
    else out.push(...(end > at ? comment : [lines[at]!]))
    at = Math.max(end, at + 1)
  }
  return out.join('\n')
}

/**
 * Behind the last line of the comment that begins in this line; the line itself where none begins.
 */
function endOfComment(lines: string[], start: number): number {
  const first = lines[start]!
  let end = start
  if (/^\s*\/\*/.test(first)) {
    while (end < lines.length && !lines[end]!.includes('*/')) end++
    return lines[end]?.trimEnd().endsWith('*/') ? end + 1 : start
  }
  while (end < lines.length && /^\s*\/\/( |$)/.test(lines[end]!) && indentOf(lines[end]!) === indentOf(first)) end++
  return end
}

const indentOf = (line: string) => /^\s*/.exec(line)![0]

function wrap(comment: string[]): string[] {
  const indent = indentOf(comment[0]!)
  if (comment[0]!.trimStart().startsWith('//'))
    return reflow(
      comment.map((line) => line.trim().slice(2)),
      `${indent}// `,
    )
  const opening = comment[0]!.trimStart().startsWith('/**') ? '/**' : '/*'
  const inner = comment.join('\n').trim().slice(opening.length, -2).split('\n')
  const text = inner.map((line) => line.replace(/^\s*\*/, ''))
  if (text[0]!.trim() === '') text.shift()
  if (text.at(-1)?.trim() === '') text.pop()
  return [`${indent}${opening}`, ...reflow(text, `${indent} * `), `${indent} */`]
}

/** Paragraphs end at empty lines; list items, tags and indented lines begin their own. */
function reflow(text: string[], prefix: string): string[] {
  const out: string[] = []
  let line = ''
  const flush = () => {
    if (line) out.push(line)
    line = ''
  }
  for (const one of text) {
    const words = one.trim()
    if (words === '' || /^(-|\*|\d+\.|@\w|\|)/.test(words) || /^ {3,}/.test(one)) flush()
    if (words === '') out.push(prefix.trimEnd())
    for (const word of words.split(/\s+/).filter(Boolean)) {
      if (line && line.length + 1 + word.length > MOST_COLUMNS) flush()
      line = line ? `${line} ${word}` : prefix + word
    }
  }
  flush()
  return out
}

/** What Bun makes of a file, without comments: wrapping must not change it. */
const compiled = (file: string, text: string) =>
  new Bun.Transpiler({ loader: file.endsWith('.tsx') ? 'tsx' : 'ts' }).transformSync(text)

if (import.meta.main)
  for (const file of process.argv.length > 2 ? process.argv.slice(2) : await sourceFiles('.')) {
    const text = readFileSync(file, 'utf8')
    if (!commentLines(text).some((line) => line.length > MOST_COLUMNS)) continue
    const wrapped = wrapComments(text)
    if (wrapped === text) continue
    if (compiled(file, wrapped) !== compiled(file, text))
      throw new Error(`${file}: wrapping its comments would change its code`)
    writeFileSync(file, wrapped)
  }
