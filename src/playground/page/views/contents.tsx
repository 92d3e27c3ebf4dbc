// The view of what is in the chosen entry.

import type { ViewProps } from '../views.js'

export default function Contents({ path }: ViewProps) {
  return <p>{path}</p>
}
