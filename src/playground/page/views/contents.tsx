// The view of what is in the chosen entry.

import { Editor } from '../editor.js'
import type { ViewProps } from '../view-props.js'

export default function Contents({ path }: ViewProps) {
  return (
    <Editor
      text={`#!/bin/sh\nif true; then echo "${path}"; fi\n`}
      fileName="hello.sh"
      readOnly={false}
      onSave={() => undefined}
    />
  )
}
