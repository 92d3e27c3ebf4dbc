// JSON in lines that fold; as text where it is none, or too large.

import { TEXT_WHOLE } from '../../contents-protocol.js'
import { baseName } from '../../path-text.js'
import { useSession } from '../context.js'
import { Editor } from '../editor.js'
import { Failure, Waiting } from './failure.js'
import { type TextProps, TextView } from './text-view.js'
import { useAnswer } from './use-answer.js'

export function JsonView(props: TextProps) {
  const { document, path, size, encoding } = props
  const session = useSession()
  const { id, revision } = document
  const answer = useAnswer(JSON.stringify([id, revision, path, encoding]), async () => ({
    text: await session.engine.files.json(id, path, encoding),
  }))
  const { value, failure, again } = answer
  if (failure !== undefined) return <Failure text={failure} again={again} />
  if (value === undefined) return <Waiting />
  if (value.text === undefined) {
    return (
      <div class="contents">
        <p class="contents-note">
          {size > TEXT_WHOLE
            ? 'This is too large to be formatted'
            : 'This is no valid JSON, or too much when formatted'}
          : it is shown as it is.
        </p>
        <TextView {...props} />
      </div>
    )
  }
  return <Editor text={value.text} fileName={baseName(path)} language="JSON" readOnly />
}
