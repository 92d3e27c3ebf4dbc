// A regular file: what it is, in a line, and a viewer for it that can be switched. Not here: the viewers.

import { Download } from 'lucide-preact'
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { ChosenEntry, ContentKind } from '../../contents-protocol.js'
import { useSession } from '../context.js'
import { BadgeIcons } from '../icons.js'
import type { ViewProps } from '../view-props.js'
import { bytesText, countText, modeText } from '../words.js'
import { downloadFile } from './download.js'
import { Failure, Waiting } from './failure.js'
import { HexView } from './hex-view.js'
import { JsonView } from './json-view.js'
import { MediaView } from './media-view.js'
import { TextView } from './text-view.js'
import { useAnswer } from './use-answer.js'

type Mode = 'text' | 'json' | 'media' | 'hex'

interface ViewerProps extends ViewProps {
  readonly size: number
  readonly kind: ContentKind
}

const VIEWERS: Readonly<Record<Mode, ComponentType<ViewerProps>>> = {
  text: props => <TextView {...props} encoding={props.kind.encoding ?? 'utf-8'} />,
  json: props => <JsonView {...props} encoding={props.kind.encoding ?? 'utf-8'} />,
  media: MediaView,
  hex: HexView,
}

/** What a file can be shown as, the best first. */
function modesOf({ kind, encoding }: ContentKind): readonly Mode[] {
  if (kind === 'json') return ['json', 'text', 'hex']
  if (kind === 'text' || kind === 'empty') return ['text', 'hex']
  if (kind === 'binary') return ['hex', 'text']
  return encoding === undefined ? ['media', 'hex', 'text'] : ['media', 'text', 'hex']
}

function modeWords(mode: Mode, { kind }: ContentKind): string {
  if (mode === 'media') return kind === 'picture' ? 'Picture' : 'Play'
  return { text: 'Text', json: 'JSON', hex: 'Hex' }[mode]
}

interface HeadProps {
  readonly entry: ChosenEntry
  readonly kind: ContentKind | undefined
  readonly mode: Mode | undefined
  onMode(mode: Mode): void
  onDownload(): void
}

function Head({ entry, kind, mode, onMode, onDownload }: HeadProps) {
  const { size, mode: bits, badges } = entry
  return (
    <div class="contents-head">
      <p>
        {kind !== undefined && (
          <span class="kind" title={kind.mime}>
            {kind.about}
          </span>
        )}
        <span title={`${countText(size)} bytes`}>{bytesText(size)}</span>
        <span class="mono wide-only">{modeText('file', bits)}</span>
        <BadgeIcons badges={badges} />
      </p>
      <span class="editor-gap" />
      {kind !== undefined && size > 0 && (
        <fieldset class="switch">
          <legend class="hidden">Show as</legend>
          {modesOf(kind).map(one => (
            <button key={one} type="button" aria-pressed={one === mode} onClick={() => onMode(one)}>
              {modeWords(one, kind)}
            </button>
          ))}
        </fieldset>
      )}
      <button type="button" onClick={onDownload}>
        <Download size={15} aria-hidden="true" />
        Download
      </button>
    </div>
  )
}

export function FileView(props: ViewProps & { readonly entry: ChosenEntry }) {
  const { document, path, entry } = props
  const session = useSession()
  const { id, revision } = document
  const key = JSON.stringify([id, revision, path])
  const { value: kind, failure, again } = useAnswer(key, () => session.engine.files.kind(id, path))
  const [wanted, setWanted] = useState<Mode>()
  useEffect(() => setWanted(undefined), [path])
  const mode =
    kind === undefined ? undefined : wanted !== undefined && modesOf(kind).includes(wanted) ? wanted : modesOf(kind)[0]
  const Viewer = mode === undefined ? undefined : VIEWERS[mode]
  return (
    <div class="contents">
      <Head
        entry={entry}
        kind={kind}
        mode={mode}
        onMode={setWanted}
        onDownload={() => void downloadFile(session, document, path, entry.size)}
      />
      {failure !== undefined && <Failure text={failure} again={again} />}
      {kind === undefined && failure === undefined && <Waiting />}
      {kind?.kind === 'empty' && <p class="contents-note">The file is empty.</p>}
      {kind !== undefined && kind.kind !== 'empty' && Viewer !== undefined && (
        <div class="viewer">
          <Viewer key={key} {...props} size={entry.size} kind={kind} />
        </div>
      )}
    </div>
  )
}
