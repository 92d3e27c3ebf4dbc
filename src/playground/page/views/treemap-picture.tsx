// The picture of a treemap: areas by size, folders in folders, colours by kind or depth. The areas are d3's; each is a button, one of
// which the keyboard reaches, and the arrows lead on. Not here: the numbers as a table (treemap-table.tsx).

import { type HierarchyRectangularNode, hierarchy, treemap } from 'd3-hierarchy'
import { useMemo, useRef, useState } from 'preact/hooks'
import { shownText } from '../../path-text.js'
import type { FileKind, Measure, TreemapNode } from '../../reports.js'
import { useSize } from '../inspect/use-size.js'
import { amountText, KIND_WORDS, nodeName, shareText } from './treemap-table.js'

export type Colouring = 'kind' | 'depth'
type Area = HierarchyRectangularNode<TreemapNode>

/** CSS pixels: of a folder's name, of an area that has room for a name, and of the least that is drawn or looked into. */
const NAME_HEIGHT = 17
const NAME_WIDTH = 34
const DRAWN_FROM = 3
const INSIDE_FROM = 30
const DEPTHS = 5

/** Areas that are drawn, a folder before what is in it. */
function areasOf(root: TreemapNode, measure: Measure, width: number, height: number): Area[] {
  const all = hierarchy(root, node => (node.children?.length ? node.children : undefined)).sum(node =>
    node.children?.length ? 0 : node[measure],
  )
  const hasName = (node: Area) => node.depth > 0 && node.y1 - node.y0 > INSIDE_FROM && node.x1 - node.x0 > INSIDE_FROM
  const laid = treemap<TreemapNode>()
    .size([width, height])
    .round(true)
    .paddingInner(1)
    .paddingOuter(node => (node.depth > 0 && hasName(node) ? 2 : 0))
    .paddingTop(node => (hasName(node) ? NAME_HEIGHT : 0))(all)
  const drawn: Area[] = []
  const waiting = [...(laid.children ?? [])]
  for (let area = waiting.shift(); area !== undefined; area = waiting.shift()) {
    if (area.x1 - area.x0 < DRAWN_FROM || area.y1 - area.y0 < DRAWN_FROM) continue
    drawn.push(area)
    if (hasName(area)) waiting.push(...(area.children ?? []))
  }
  return drawn
}

interface Props {
  readonly root: TreemapNode
  readonly measure: Measure
  readonly colouring: Colouring
  readonly chosen: string
  onChoose(path: string): void
  onOpen(path: string): void
}

export function TreemapPicture({ root, measure, colouring, chosen, onChoose, onOpen }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const size = useSize(box)
  const areas = useMemo(() => areasOf(root, measure, size.width, size.height), [root, measure, size])
  const [told, setTold] = useState<Area>()
  const [at, setAt] = useState(0)
  const current = Math.min(at, areas.length - 1)
  const move = (event: KeyboardEvent) => {
    const to = {
      ArrowRight: current + 1,
      ArrowDown: current + 1,
      ArrowLeft: current - 1,
      ArrowUp: current - 1,
      Home: 0,
    }[event.key]
    if (to === undefined || areas.length === 0) return
    event.preventDefault()
    const next = Math.max(0, Math.min(to, areas.length - 1))
    setAt(next)
    box.current?.querySelector<HTMLElement>(`[data-area="${next}"]`)?.focus()
  }
  const shown = told !== undefined && areas.includes(told) ? told : undefined
  return (
    <div class="treemap-picture">
      <div
        ref={box}
        class={`treemap-areas by-${colouring}`}
        role="group"
        aria-label="Areas by size; the arrow keys go from one to the next"
        onKeyDown={move}
        onPointerLeave={() => setTold(undefined)}
      >
        {areas.map((area, index) => (
          <AreaButton
            key={area.data.path + String(area.data.together)}
            area={area}
            index={index}
            reached={index === current}
            chosen={area.data.path === chosen && area.data.together === undefined}
            whole={root[measure]}
            measure={measure}
            onTell={() => setTold(area)}
            onFocus={() => {
              setAt(index)
              setTold(area)
            }}
            onChoose={() => onChoose(area.data.path)}
            onOpen={() => area.data.type !== 'dir' && area.data.together === undefined && onOpen(area.data.path)}
          />
        ))}
        {size !== undefined && areas.length === 0 && <p class="waiting-text">Nothing in here has a size.</p>}
      </div>
      <p class="treemap-told">
        {shown === undefined
          ? 'Point at an area to see what it is; press it to go in.'
          : `${shown.data.together === undefined ? '' : 'In '}${shownText(shown.data.path)}${shown.data.together === undefined ? '' : `: ${nodeName(shown.data)}`} — ${amountText(measure, shown.data[measure])}, ${shareText(shown.data[measure], root[measure])}, ${KIND_WORDS[shown.data.kind]}`}
      </p>
      {colouring === 'kind' && <Legend areas={areas} />}
    </div>
  )
}

interface AreaProps {
  readonly area: Area
  readonly index: number
  readonly reached: boolean
  readonly chosen: boolean
  readonly whole: number
  readonly measure: Measure
  onTell(): void
  onFocus(): void
  onChoose(): void
  onOpen(): void
}

function AreaButton({ area, index, reached, chosen, whole, measure, onTell, onFocus, onChoose, onOpen }: AreaProps) {
  const { x0, x1, y0, y1, data, depth } = area
  const named = x1 - x0 > NAME_WIDTH && y1 - y0 > NAME_HEIGHT - 2
  const open = area.children !== undefined && x1 - x0 > INSIDE_FROM && y1 - y0 > INSIDE_FROM
  const kind = open ? 'folder' : data.kind
  return (
    <button
      type="button"
      data-area={index}
      class={`area kind-${kind} depth-${depth % DEPTHS}${chosen ? ' chosen' : ''}${open ? ' open' : ''}`}
      style={{ left: `${x0}px`, top: `${y0}px`, width: `${x1 - x0}px`, height: `${y1 - y0}px` }}
      tabIndex={reached ? 0 : -1}
      aria-label={`${nodeName(data)}${data.type === 'dir' ? ', folder' : ''}, ${amountText(measure, data[measure])}, ${shareText(data[measure], whole)}`}
      onPointerEnter={onTell}
      onFocus={onFocus}
      onClick={onChoose}
      onDblClick={onOpen}
    >
      {named && (
        <span class="area-name" aria-hidden="true">
          <bdi>{nodeName(data)}</bdi>
          {x1 - x0 > 120 && <small>{amountText(measure, data[measure])}</small>}
        </span>
      )}
    </button>
  )
}

function Legend({ areas }: { readonly areas: readonly Area[] }) {
  const kinds = [...new Set(areas.filter(area => area.children === undefined).map(area => area.data.kind))]
  const order = Object.keys(KIND_WORDS) as FileKind[]
  kinds.sort((a, b) => order.indexOf(a) - order.indexOf(b))
  return (
    <ul class="treemap-legend" aria-label="Colours">
      {kinds.map(kind => (
        <li key={kind}>
          <span class={`swatch kind-${kind}`} /> {KIND_WORDS[kind]}
        </li>
      ))}
    </ul>
  )
}
