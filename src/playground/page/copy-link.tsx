// A button that copies a link to what is shown, where the image came from a URL. Not here: what the link is (session.ts).

import { Link } from 'lucide-preact'
import { useSession } from './context.js'
import { linkTo } from './session.js'

export function CopyLink() {
  const session = useSession()
  const pane = session.pane.value
  const info = session.documentOf(pane)
  if (info?.url === undefined) return null
  const copy = async () => {
    const link = new URL(linkTo(info, session.chosenIn(pane)), location.href).href
    try {
      await navigator.clipboard.writeText(link)
      session.say('The link is copied.')
    } catch {
      session.say(`The browser does not let the page copy. The link is ${link}`)
    }
  }
  return (
    <button type="button" class="plain" aria-label="Copy a link to this" title="Copy link" onClick={() => void copy()}>
      <Link size={18} aria-hidden="true" />
    </button>
  )
}
