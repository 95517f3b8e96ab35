/** Loads the page anew when the console was changed: only where `npm run dev` serves it. */
import { base } from './place.ts'

let files: string | undefined
new EventSource(new URL('reload', base)).addEventListener('message', ({ data }: MessageEvent<string>) => {
  if (files !== undefined && files !== data) location.reload()
  files = data
})
