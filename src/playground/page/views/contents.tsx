// The view of what is in the chosen entry: a folder's entries, a file's bytes, where a symlink leads, what a device is. Not here:
// how each is shown (viewers/).

import { EditView } from '../change/edit-view.js'
import { useSession } from '../context.js'
import type { ViewProps } from '../view-props.js'
import { Failure, Waiting } from '../viewers/failure.js'
import { FileView } from '../viewers/file-view.js'
import { FolderView } from '../viewers/folder-view.js'
import { SpecialView, SymlinkView } from '../viewers/special-views.js'
import { useAnswer } from '../viewers/use-answer.js'

export default function Contents(props: ViewProps) {
  const { document, path, pane } = props
  const session = useSession()
  const { id, revision } = document
  const key = JSON.stringify([id, revision, path])
  const { value: entry, failure, again } = useAnswer(key, () => session.engine.files.entry(id, path))
  const editing = session.change.editingOf(id, path)
  if (editing !== undefined) return <EditView key={path} {...props} editing={editing} />
  if (failure !== undefined) return <Failure text={failure} again={again} />
  if (entry === undefined) return <Waiting />
  if (entry.type === 'dir') return <FolderView key={path} {...props} />
  if (entry.type === 'file' && (entry.size > 0 || !entry.badges.includes('whiteout')))
    return <FileView key={path} {...props} entry={entry} />
  if (entry.type === 'symlink') return <SymlinkView pane={pane} entry={entry} />
  return <SpecialView entry={entry} />
}
