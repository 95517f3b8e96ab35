/** Starts the console in a browser. */
import { render } from 'preact'
import { App } from './app.tsx'
import { loadMe } from './session.ts'

// A page that the browser kept, and shows again on "back", may be of a session that has ended.
window.addEventListener('pageshow', ({ persisted }) => persisted && location.reload())
void loadMe()
render(<App />, document.getElementById('app')!)
