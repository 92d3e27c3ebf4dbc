// The sets of images that share objects, as a picture: columns of bytes over a matrix of which images are in the set (an UpSet plot),
// and each image as a bar of its sets, areas by bytes. Not here: the numbers as a table (sharing.tsx).

import { useState } from 'preact/hooks'
import { shownText } from '../../path-text.js'
import type { DocumentId } from '../../protocol.js'
import type { SharingImage, SharingSet } from '../../reports.js'
import { bytesText, countText } from '../words.js'

/** Sets that have a column; the largest. */
const COLUMNS_MAX = 24
const COLUMN_HEIGHT = 120
const COLOURS = 8

interface Props {
  readonly images: readonly SharingImage[]
  readonly sets: readonly SharingSet[]
  readonly chosen: readonly DocumentId[] | undefined
  onChoose(ids: readonly DocumentId[]): void
}

type By = 'bytes' | 'objects'

function setName({ ids }: SharingSet, images: readonly SharingImage[]): string {
  const names = ids.map(id => shownText(images.find(one => one.id === id)?.name ?? '?'))
  return ids.length === 1
    ? `only in ${names[0]}`
    : ids.length === images.length
      ? 'in all of them'
      : `in ${names.join(' and ')}`
}

export function SharingPicture({ images, sets, chosen, onChoose }: Props) {
  const [by, setBy] = useState<By>('bytes')
  const ordered = [...sets].sort((a, b) => b[by] - a[by])
  const columns = ordered.slice(0, COLUMNS_MAX)
  const most = Math.max(1, ...columns.map(one => one[by]))
  const isChosen = (set: SharingSet) => chosen?.join() === set.ids.join()
  const said = (set: SharingSet) =>
    `${setName(set, images)}: ${countText(set.objects)} object${set.objects === 1 ? '' : 's'}, ${bytesText(set.bytes)}`
  return (
    <section class="sharing-picture" aria-label="Who has which objects">
      <div class="sharing-head">
        <h2>Who has which objects</h2>
        <label>
          Height by{' '}
          <select value={by} onChange={event => setBy(event.currentTarget.value as By)}>
            <option value="bytes">bytes</option>
            <option value="objects">objects</option>
          </select>
        </label>
      </div>
      <div class="upset" style={{ gridTemplateColumns: `auto repeat(${columns.length}, minmax(56px, 110px))` }}>
        <span class="upset-corner" />
        {columns.map((set, index) => (
          <button
            type="button"
            key={set.ids.join()}
            class={`upset-column${isChosen(set) ? ' chosen' : ''}`}
            aria-pressed={isChosen(set)}
            aria-label={said(set)}
            title={`${said(set)}. Press to see them.`}
            onClick={() => onChoose(set.ids)}
          >
            <span class="upset-amount">{by === 'bytes' ? bytesText(set.bytes) : countText(set.objects)}</span>
            <span
              class={`upset-bar set-${index % COLOURS}`}
              style={{ height: `${Math.max(2, (COLUMN_HEIGHT * set[by]) / most)}px` }}
            />
          </button>
        ))}
        {images.map(image => (
          <UpsetRow key={image.id} image={image} columns={columns} />
        ))}
      </div>
      {ordered.length > columns.length && (
        <p class="hint">The {countText(ordered.length - columns.length)} smallest sets are not drawn.</p>
      )}
      <div class="share-bars">
        {images.map(image => (
          <ShareBar key={image.id} image={image} images={images} sets={ordered} />
        ))}
      </div>
    </section>
  )
}

/** Which of the sets an image is in. */
function UpsetRow({ image, columns }: { readonly image: SharingImage; readonly columns: readonly SharingSet[] }) {
  return (
    <>
      <bdi class="upset-name">{shownText(image.name)}</bdi>
      {columns.map(set => (
        <span key={set.ids.join()} class="upset-cell" aria-hidden="true">
          <span class={`upset-dot${set.ids.includes(image.id) ? ' in' : ''}`} />
        </span>
      ))}
    </>
  )
}

/** An image as a bar of its sets, as wide as it is large beside the others. */
function ShareBar({
  image,
  images,
  sets,
}: {
  readonly image: SharingImage
  readonly images: readonly SharingImage[]
  readonly sets: readonly SharingSet[]
}) {
  const most = Math.max(1, ...images.map(one => one.bytes))
  const own = sets
    .map((set, index) => ({ set, index }))
    .filter(({ set }) => set.ids.includes(image.id) && set.bytes > 0)
  return (
    <figure class="share-bar">
      <figcaption>
        <bdi>{shownText(image.name)}</bdi>, {bytesText(image.bytes)}
      </figcaption>
      <div class="share-bar-track" style={{ width: `${Math.max(1, (100 * image.bytes) / most)}%` }}>
        {own.map(({ set, index }) => (
          <span
            key={set.ids.join()}
            class={`share-part set-${index % COLOURS}`}
            style={{ flexGrow: set.bytes }}
            title={`${setName(set, images)}: ${bytesText(set.bytes)}`}
          >
            <span class="share-label">
              {set.ids.length === 1
                ? 'only here'
                : set.ids.length === images.length && images.length > 2
                  ? 'all'
                  : 'shared'}
            </span>
          </span>
        ))}
      </div>
    </figure>
  )
}
