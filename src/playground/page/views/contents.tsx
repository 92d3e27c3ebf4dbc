// The view of what is in the chosen entry.

import type { ViewProps } from '../view-props.js'

export default function Contents({ path }: ViewProps) {
  return <p>{path}</p>
}
