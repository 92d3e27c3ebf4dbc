// What is shown as long as nothing is open: what this is, and ways to begin.

import { useSession } from './context.js'
import { DEMO, openFiles, openUrl } from './opening.js'

export function StartScreen() {
  const session = useSession()
  return (
    <section class="start">
      <h2>Look inside a composefs image</h2>
      <p>Drop an image here. Everything happens in this page; nothing is uploaded.</p>
      <div class="start-buttons">
        <label class="file-button primary">
          Open an image…
          <input
            type="file"
            multiple
            onChange={event => {
              const files = [...(event.currentTarget.files ?? [])]
              event.currentTarget.value = ''
              void openFiles(session, files)
            }}
          />
        </label>
        <button type="button" onClick={() => void openUrl(session, DEMO.image, DEMO.store)}>
          Try the demo
        </button>
      </div>
    </section>
  )
}
