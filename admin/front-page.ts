/** What a browser gets at `/`: which server this is, and what its address is good for. */

const bodyWith = (hasConsole: boolean) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Keyhall</title>
<h1>Keyhall</h1>
<p>${hasConsole ? 'This is an API server. People use its <a href="console/">console</a>.' : 'This is an API server; it has no pages to look at here.'}</p>
<p>The base URL of an OpenAI client is this address with <code>/v1</code> at its end,
that of an Anthropic client is this address as it is. Each needs an API key that was issued here.</p>
</html>
`

export const frontPage = ({ hasConsole }: { hasConsole: boolean }) => ({
  body: bodyWith(hasConsole),
  headers: {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
  },
})

/** Whether whoever asks shows pages; programs get the 404 of any unknown path. */
export const wantsPage = (headers: Headers) => headers.get('accept')?.includes('text/html') === true
