/**
 * The page behind the link of an invitation. It is the same for everybody. The token is behind `#`
 * in the address, which browsers do not send, so that no log and no proxy sees it. Opening the page
 * changes nothing, because mail scanners open links.
 */
import { createHash } from 'node:crypto'

const style = `
  :root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }
  body { max-width: 28rem; margin: 15vh auto; padding: 0 1rem }
  input, button { font: inherit; padding: .4rem .6rem; width: 100%; box-sizing: border-box; margin-top: .5rem }
`

const script = `
  const form = document.querySelector('form')
  const button = document.querySelector('button')
  const outcome = document.querySelector('#outcome')
  const token = location.hash.slice(1)
  if (!token) {
    form.hidden = true
    outcome.textContent = 'This link is not whole: what stands behind # is missing. Copy all of it.'
  }
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    button.disabled = true
    outcome.textContent = ''
    try {
      const response = await fetch('../v1/organization/invites/accept', {
        method: 'POST',
        credentials: 'omit',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token, name: form.elements.name.value.trim() }),
      })
      const answer = await response.json()
      if (response.ok) {
        form.hidden = true
        outcome.textContent = 'Welcome, ' + answer.name + '. You joined as ' + answer.email + '; this page can be closed.'
      } else outcome.textContent = answer.error.message
    } catch {
      outcome.textContent = 'The server could not be reached. Try again in a moment.'
    }
    button.disabled = false
  })
`

const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Accept an invitation</title>
<style>${style}</style>
<h1>You are invited</h1>
<form>
  <label>Your name, as others here will see it <input name="name" autocomplete="name" maxlength="255" required autofocus></label>
  <button>Accept the invitation</button>
</form>
<p id="outcome" role="status"></p>
<noscript><p>This page needs JavaScript.</p></noscript>
<script>${script}</script>
</html>
`

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

export const acceptPage = {
  body,
  headers: {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [
      "default-src 'none'",
      `script-src ${hash(script)}`,
      `style-src ${hash(style)}`,
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'referrer-policy': 'no-referrer',
  },
}
