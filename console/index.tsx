/** Starts the console in a browser. */
import { render } from 'preact'
import { App } from './app.tsx'
import { findPage } from './pages.ts'
import { fetchAhead } from './parts/loaded.tsx'
import { place } from './place.ts'
import { loadMe } from './session.ts'
// What most pages are made of comes with the first file, in the place of a dozen small ones.
import './parts/form-dialog.tsx'
import './parts/data-table.tsx'
import './parts/key-columns.tsx'
import './parts/empty.tsx'
import './parts/tabs.tsx'
import './parts/use-form-key.ts'

// A page that the browser kept, and shows again on "back", may be of a session that has ended.
window.addEventListener('pageshow', ({ persisted }) => persisted && location.reload())
void loadMe()
// While the server says who is signed in, the file of the page comes.
const found = findPage(place.value.path)
if (found) void fetchAhead(found.page.load)
render(<App />, document.getElementById('app')!)
