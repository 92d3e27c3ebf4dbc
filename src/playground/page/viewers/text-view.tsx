// A text: whole where it is small, a part at a time where it is not. Not here: colours and search (the editor).

import { useRef, useState } from 'preact/hooks'
import { type Encoding, TEXT_PART, TEXT_WHOLE } from '../../contents-protocol.js'
import { baseName } from '../../path-text.js'
import { useSession } from '../context.js'
import { Editor } from '../editor.js'
import type { ViewProps } from '../view-props.js'
import { bytesText, countText } from '../words.js'
import { Failure, Waiting } from './failure.js'
import { Parts } from './parts.js'
import { useAnswer } from './use-answer.js'

export interface TextProps extends ViewProps {
  readonly size: number
  readonly encoding: Encoding
}

/** Number of a part's first line, where all parts before it have been seen. */
function firstLineOf(seen: ReadonlyMap<number, number>, part: number): number | undefined {
  let line = 1
  for (let before = 0; before < part; before++) {
    const lines = seen.get(before)
    if (lines === undefined) return undefined
    line += lines
  }
  return line
}

export function TextView({ document, path, size, encoding }: TextProps) {
  const session = useSession()
  const [part, setPart] = useState(0)
  const seen = useRef(new Map<number, number>())
  const parts = size <= TEXT_WHOLE ? 1 : Math.ceil(size / TEXT_PART)
  const { id, revision } = document
  const answer = useAnswer(JSON.stringify([id, revision, path, encoding, part]), async () => {
    const found = await session.engine.files.text(id, path, encoding, part)
    seen.current.set(part, found.lines)
    return found
  })
  const { value, failure, again } = answer
  const firstLine = firstLineOf(seen.current, part)
  const bar = parts > 1 && (
    <>
      <Parts part={part} parts={parts} onPart={setPart} />
      {value !== undefined && (
        <span class="text-2">
          bytes {countText(value.start)} to {countText(value.end)} of {bytesText(size)}
          {firstLine === undefined && '; lines are counted from here'}
        </span>
      )}
    </>
  )
  if (failure !== undefined) return <Failure text={failure} again={again} />
  if (value === undefined) return <Waiting />
  return (
    <Editor text={value.text} fileName={baseName(path)} readOnly firstLine={firstLine ?? 1}>
      {bar}
    </Editor>
  )
}
