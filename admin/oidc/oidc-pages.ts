/**
 * The pages around the issuer: one that goes on to the console, and one that says why somebody was
 * not signed in. Neither runs a script. Going on is a navigation of its own, from a page of this
 * server, because the browser keeps a strict cookie back where the issuer's site has led to.
 */
import { createHash } from 'node:crypto'
import { escapeHtml } from '../shared/plain-text.ts'

const style = `
  :root { color-scheme: light dark; background: Canvas; color: CanvasText; font: 1.1rem/1.5 system-ui, sans-serif }
  body { max-width: 32rem; margin: 15vh auto; padding: 0 1rem }
`

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
}

const page = (title: string, head: string, body: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
${head}<title>${title}</title>
<style>${style}</style>
<main>
<h1>${title}</h1>
${body}
</main>
</html>
`

/**
 * `path` is below `/console/`; it is written as seen from the callback, also below a proxy's path.
 */
export const goOnPage = (path: string) => {
  const relative = escapeHtml(path.replace(/^\/console\//, '../') || '../')
  return {
    body: page(
      'You are signed in',
      `<meta http-equiv="refresh" content="0; url=${relative}">\n`,
      `<p><a href="${relative}">Go on</a></p>`,
    ),
    headers,
  }
}

export const failurePage = (sentence: string) => ({
  body: page(
    'Signing in failed',
    '',
    `<p role="alert">${escapeHtml(sentence)}</p>\n<p><a href="../sign-in">Back to signing in</a></p>`,
  ),
  headers,
})
