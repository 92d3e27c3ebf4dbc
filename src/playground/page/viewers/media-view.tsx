// Pictures, sounds and films, by a blob: URL in the element that browsers have for them: nothing in them can run there, an SVG's
// script neither, and nothing is fetched. Not here: what a file is.

import { ZoomIn, ZoomOut } from 'lucide-preact'
import { useEffect, useState } from 'preact/hooks'
import type { ContentKind } from '../../contents-protocol.js'
import { baseName, shownText } from '../../path-text.js'
import { useSession } from '../context.js'
import type { ViewProps } from '../view-props.js'
import { Failure, Waiting } from './failure.js'
import { useAnswer } from './use-answer.js'

const ZOOM_MIN = 1 / 16
const ZOOM_MAX = 32

/** A blob: URL, as long as it is shown. */
function useUrl(blob: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    if (blob === undefined) return undefined
    const made = URL.createObjectURL(blob)
    setUrl(made)
    return () => {
      setUrl(undefined)
      URL.revokeObjectURL(made)
    }
  }, [blob])
  return url
}

function Picture({ url, name }: { readonly url: string; readonly name: string }) {
  /** undefined: as large as there is room, but no larger than it is. */
  const [zoom, setZoom] = useState<number>()
  const [size, setSize] = useState<{ readonly width: number; readonly height: number }>()
  const [broken, setBroken] = useState(false)
  const by = (factor: number) => setZoom(Math.max(ZOOM_MIN, Math.min((zoom ?? 1) * factor, ZOOM_MAX)))
  if (broken)
    return (
      <p class="contents-note">
        The browser can’t show this picture: it is damaged or of a kind that it does not know. Its bytes can be looked
        at.
      </p>
    )
  const measured =
    zoom === undefined || size === undefined || size.width === 0
      ? {}
      : { width: `${size.width * zoom}px`, height: 'auto' }
  return (
    <div class="picture">
      <div class="editor-bar" role="toolbar" aria-label="Picture">
        <span class="text-2">
          {size === undefined ? '' : size.width === 0 ? 'no size of its own' : `${size.width} × ${size.height} pixels`}
        </span>
        <span class="editor-gap" />
        <button type="button" class="plain" aria-pressed={zoom === undefined} onClick={() => setZoom(undefined)}>
          Fit
        </button>
        <button type="button" class="plain" aria-pressed={zoom === 1} onClick={() => setZoom(1)}>
          100 %
        </button>
        <button type="button" class="plain" aria-label="Smaller" onClick={() => by(1 / 2)}>
          <ZoomOut size={16} aria-hidden="true" />
        </button>
        <span class="zoom">{zoom === undefined ? '' : `${Math.round(zoom * 100)} %`}</span>
        <button type="button" class="plain" aria-label="Larger" onClick={() => by(2)}>
          <ZoomIn size={16} aria-hidden="true" />
        </button>
      </div>
      <div
        role="group"
        class={`checkerboard${zoom === undefined ? ' fit' : ''}${(zoom ?? 1) >= 2 ? ' pixels' : ''}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
        tabIndex={0}
        aria-label={`Picture ${name}`}
      >
        <img
          src={url}
          alt={name}
          style={measured}
          draggable={false}
          onLoad={event =>
            setSize({ width: event.currentTarget.naturalWidth, height: event.currentTarget.naturalHeight })
          }
          onError={() => setBroken(true)}
        />
      </div>
    </div>
  )
}

export function MediaView({ document, path, kind }: ViewProps & { readonly kind: ContentKind }) {
  const session = useSession()
  const { id, revision } = document
  const answer = useAnswer(JSON.stringify([id, revision, path]), () => session.engine.files.media(id, path, kind.mime))
  const url = useUrl(answer.value)
  const name = shownText(baseName(path))
  if (answer.failure !== undefined) return <Failure text={answer.failure} again={answer.again} />
  if (url === undefined) return <Waiting />
  if (kind.kind === 'picture') return <Picture key={url} url={url} name={name} />
  return (
    <div class="film">
      {kind.kind === 'audio' ? (
        // biome-ignore lint/a11y/useMediaCaption: what the image holds has none
        <audio controls src={url} aria-label={name} />
      ) : (
        // biome-ignore lint/a11y/useMediaCaption: what the image holds has none
        <video controls src={url} aria-label={name} />
      )}
    </div>
  )
}
