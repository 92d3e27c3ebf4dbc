// The view of every fact of an entry, beside the bytes of the image that say so. Not here: its parts (../inspect).

import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import type { Inspection, ShownStructure, StructurePlace } from '../../inspection.js'
import { shownText } from '../../path-text.js'
import { useSession } from '../context.js'
import { CompressionFacts } from '../inspect/compression-facts.js'
import { NumberFacts, StorageFacts, XattrFacts } from '../inspect/entry-facts.js'
import { typeOf } from '../inspect/entry-types.js'
import { FieldList } from '../inspect/field-list.js'
import { HexView } from '../inspect/hex-view.js'
import { markAt, marksOf } from '../inspect/marks.js'
import { ObjectCheck } from '../inspect/object-check.js'
import { OtherNames } from '../inspect/other-names.js'
import type { ViewProps } from '../view-props.js'

/** What the worker says of the entry; that of the last path counts. */
function useInspection({ document: { id, revision }, path }: ViewProps): Inspection | 'failed' | undefined {
  const session = useSession()
  const [found, setFound] = useState<Inspection | 'failed'>()
  // A new revision is another tree.
  const asked = `${revision}:${path}`
  useEffect(() => {
    let here = true
    void session
      .attempt(() => session.engine.inspector.look(id, asked.slice(asked.indexOf(':') + 1)))
      .then(answer => {
        if (here) setFound(answer ?? 'failed')
      })
    return () => {
      here = false
    }
  }, [id, asked, session])
  return found
}

/** Structure at a byte that belongs to nothing else that is shown. */
function useElsewhere(id: number, offset: number | undefined): StructurePlace | undefined {
  const session = useSession()
  const [found, setFound] = useState<{ readonly offset: number; readonly place: StructurePlace }>()
  useEffect(() => {
    if (offset === undefined) return
    let here = true
    void session
      .attempt(() => session.engine.inspector.at(id, offset))
      .then(place => {
        if (here && place !== undefined) setFound({ offset, place })
      })
    return () => {
      here = false
    }
  }, [id, offset, session])
  return found?.offset === offset ? found?.place : undefined
}

export default function Inspector(props: ViewProps) {
  const inspection = useInspection(props)
  if (inspection === undefined) return <p class="waiting-text">Looking…</p>
  if (inspection === 'failed') return <p class="waiting-text">The entry can’t be inspected. Choose another one.</p>
  return <Inspected key={inspection.path} {...props} inspection={inspection} />
}

/** The first byte of an entry's that is in the image itself. */
function firstShown(structures: readonly ShownStructure[], size: number): number {
  return structures.find(({ start }) => start < size)?.start ?? 0
}

/** The structures that are shown, an entry's first. */
function structuresOf(inspection: Inspection, elsewhere: ShownStructure | undefined): ShownStructure[] {
  const { stored } = inspection
  const own = stored === undefined ? [] : [...stored.structures]
  if (stored?.dirent !== undefined) own.push(stored.dirent)
  return elsewhere === undefined ? own : [elsewhere, ...own]
}

function Inspected({ pane, document, inspection }: ViewProps & { readonly inspection: Inspection }) {
  const { id, size } = document
  const { stored, path } = inspection
  const wanted = pane.place.value?.path === path ? pane.place.value.offset : undefined
  const ownMarks = useMemo(() => marksOf(structuresOf(inspection, undefined)), [inspection])
  const isOwn = wanted === undefined || markAt(ownMarks, wanted) !== undefined
  const elsewhere = useElsewhere(id, isOwn ? undefined : wanted)
  const structures = useMemo(() => structuresOf(inspection, elsewhere?.structure), [inspection, elsewhere])
  const marks = useMemo(() => marksOf(structures).filter(one => one.end <= size), [structures, size])
  const [active, setActive] = useState<string>()
  const [reveal, setReveal] = useState({ offset: wanted ?? firstShown(structures, size) })
  // What is in the metabox is at no byte that could be shown.
  const onReveal = useCallback((offset: number) => offset < size && setReveal({ offset }), [size])
  useEffect(() => {
    if (wanted !== undefined) setReveal({ offset: wanted })
  }, [wanted])
  const onByte = (offset: number) => {
    pane.place.value = { path, offset }
  }
  const parts = { structures, active, onActive: setActive, onReveal }
  return (
    <div class="inspector">
      <div class="inspector-facts">
        <Sections {...{ pane, id, inspection, onReveal }} />
        <section aria-label="Structures">
          <h3>Structures</h3>
          {elsewhere !== undefined && <Elsewhere place={elsewhere} offset={wanted ?? 0} />}
          <FieldList {...parts} />
          {stored?.more === true && <p class="nothing-here">The data has more pieces than are listed.</p>}
        </section>
      </div>
      <section class="inspector-bytes" aria-label="The image’s bytes">
        <HexView
          id={id}
          size={size}
          marks={marks}
          active={active}
          reveal={reveal}
          onActive={setActive}
          onByte={onByte}
        />
      </section>
    </div>
  )
}

function Elsewhere({ place, offset }: { readonly place: StructurePlace; readonly offset: number }) {
  const whose = place.path ?? (place.nid === undefined ? undefined : `inode ${place.nid}`)
  const what = place.structure?.label ?? 'not known before all of the image has been fetched'
  return (
    <p class="place-note">
      At byte 0x{offset.toString(16)}: {what}
      {whose !== undefined && ` of ${shownText(whose)}`}
    </p>
  )
}

interface SectionsProps extends Pick<ViewProps, 'pane'> {
  readonly id: number
  readonly inspection: Inspection
  onReveal(offset: number): void
}

function Sections({ pane, id, inspection, onReveal }: SectionsProps) {
  const { stored, numbers, path, changed, object } = inspection
  const isShared = stored !== undefined && numbers.nlink > 1 && typeOf(numbers.mode) !== 'dir'
  return (
    <>
      <section aria-label="Facts">
        <NumberFacts inspection={inspection} />
        {stored === undefined && <p class="changed-note">It was added here: it is in no image yet.</p>}
        {stored !== undefined && changed && (
          <p class="changed-note">It was changed here: what follows is how the image has it.</p>
        )}
        {stored?.faults.map(text => (
          <p key={text} class="fault-note">
            {text}
          </p>
        ))}
      </section>
      {isShared && (
        <section aria-label="Other names">
          <h3>Other names</h3>
          <OtherNames pane={pane} id={id} nid={stored.nid} path={path} />
        </section>
      )}
      {object !== undefined && (
        <section aria-label="Object">
          <h3>Its bytes are in an object</h3>
          <ObjectCheck id={id} inspection={inspection} />
        </section>
      )}
      {stored !== undefined && (
        <>
          <section aria-label="Xattrs">
            <h3>Xattrs</h3>
            <XattrFacts stored={stored} onReveal={onReveal} />
          </section>
          {stored.compression !== undefined && (
            <section aria-label="Compressed data">
              <h3>Compressed data</h3>
              <CompressionFacts compression={stored.compression} onReveal={onReveal} />
            </section>
          )}
          <section aria-label="In the image">
            <h3>In the image</h3>
            <StorageFacts stored={stored} onReveal={onReveal} />
          </section>
        </>
      )}
    </>
  )
}
