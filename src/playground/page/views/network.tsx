// The view of what goes over the network for an image: sums, which of its blocks are here, and the requests one by one.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { NetworkRequest, NetworkState } from '../../network.js'
import { shownText } from '../../path-text.js'
import { useSession } from '../context.js'
import { Rows } from '../rows.js'
import { Sum } from '../sum.js'
import type { ViewProps } from '../view-props.js'
import { VirtualList } from '../virtual-list.js'
import { bytesText, countText } from '../words.js'

const ASK_MS = 300
const ROW_HEIGHT = 28

/** What the worker counts, asked again and again as long as the view is shown. */
function useNetworkState(id: number): NetworkState | null | undefined {
  const session = useSession()
  const [state, setState] = useState<NetworkState | null>()
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let here = true
    const ask = async () => {
      const found = await session.attempt(() => session.engine.network.state(id))
      if (!here) return
      setState(found ?? null)
      if (found !== undefined) timer = setTimeout(ask, ASK_MS)
    }
    void ask()
    return () => {
      here = false
      clearTimeout(timer)
    }
  }, [id, session])
  return state
}

/** A picture of the image's pages: those that are here are filled. */
function Pages({ pages, pageSize }: { readonly pages: Uint8Array; readonly pageSize: number }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const here = pages.reduce((sum, one) => sum + one, 0)
  useLayoutEffect(() => {
    const board = canvas.current
    const context = board?.getContext('2d')
    if (board === null || context === null || context === undefined) return
    const scale = devicePixelRatio
    const [width, height] = [board.clientWidth * scale, board.clientHeight * scale]
    board.width = width
    board.height = height
    const style = getComputedStyle(board)
    context.fillStyle = style.getPropertyValue('--ground-3')
    context.fillRect(0, 0, width, height)
    context.fillStyle = style.getPropertyValue('--accent')
    for (let page = 0; page < pages.length; page++) {
      if (pages[page] === 0) continue
      const from = (page / pages.length) * width
      context.fillRect(from, 0, Math.max(width / pages.length, 1), height)
    }
  }, [pages])
  const said = `${countText(here)} of ${countText(pages.length)} blocks of ${bytesText(pageSize)} are here`
  return (
    <figure class="network-pages">
      <canvas ref={canvas} role="img" aria-label={said} />
      <figcaption>{said}</figcaption>
    </figure>
  )
}

function RequestRow({ request }: { readonly request: NetworkRequest | undefined }) {
  if (request === undefined) return <div class="request waiting" />
  const { number, at, what, method, url, range, status, bytes, took, failed } = request
  const bad = failed !== undefined || (status !== undefined && status >= 400)
  return (
    <div class={`request${bad ? ' bad' : ''}`} role="row">
      <span role="cell">{number}</span>
      <span role="cell">{`${(at / 1000).toFixed(2)} s`}</span>
      <span role="cell">{what}</span>
      <span role="cell" class="request-url" title={failed}>
        <bdi>{`${method === 'GET' ? '' : `${method} `}${shownText(url.slice(url.lastIndexOf('/') + 1))}`}</bdi>
      </span>
      <span role="cell">{range === undefined ? 'all' : `${countText(range[0])}–${countText(range[1] - 1)}`}</span>
      <span role="cell">{failed !== undefined ? 'failed' : (status ?? '…')}</span>
      <span role="cell">{bytes === undefined ? '' : bytesText(bytes)}</span>
      <span role="cell">{took === undefined ? '…' : `${took.toFixed(0)} ms`}</span>
    </div>
  )
}

function Requests({ id, count }: { readonly id: number; readonly count: number }) {
  const session = useSession()
  const rows = useMemo(
    () =>
      new Rows<NetworkRequest>(
        async (start, length) =>
          (await session.attempt(() => session.engine.network.requests(id, start, length))) ?? [],
      ),
    [id, session],
  )
  const range = useRef({ start: 0, end: 0 })
  useEffect(() => {
    rows.reset()
    rows.need(range.current.start, Math.min(range.current.end, count))
  }, [rows, count])
  rows.arrived.value
  return (
    <div class="requests" role="table" aria-label="Requests, the newest first" aria-rowcount={count + 1}>
      <div class="request request-head" role="row">
        {['#', 'After', 'For', 'What', 'Bytes asked', 'Status', 'Bytes', 'Took'].map(label => (
          <span key={label} role="columnheader">
            {label}
          </span>
        ))}
      </div>
      <VirtualList
        class="request-rows"
        role="rowgroup"
        tabIndex={0}
        aria-label="Requests"
        count={count}
        rowHeight={ROW_HEIGHT}
        onRange={(start, end) => {
          range.current = { start, end }
          rows.need(start, Math.min(end, count))
        }}
        row={index => <RequestRow request={rows.at(index)} />}
      />
    </div>
  )
}

/** Requests that the worker remembers. */
const REMEMBERED = 2000

export default function Network({ document }: ViewProps) {
  const state = useNetworkState(document.id)
  if (state === undefined) return <p class="waiting-text">Loading…</p>
  if (state === null) return <p class="waiting-text">This image is all here: nothing of it comes over the network.</p>
  const { requests, failed, imageBytes, objectBytes, opened, hits, kept, pages, pageSize } = state
  return (
    <div class="network">
      <dl class="sums">
        <Sum label="Requests" value={countText(requests)} />
        <Sum label="Failed" value={countText(failed)} />
        <Sum label="Image" value={`${bytesText(imageBytes)} of ${bytesText(document.size)}`} />
        <Sum label="Objects" value={bytesText(objectBytes)} />
        <Sum
          label="Cache hits"
          value={`${countText(hits)} of ${countText(opened)}`}
          hint="How many objects that were opened asked no server"
        />
        {kept !== undefined && (
          <Sum label="Kept here" value={`${bytesText(kept.bytes)}, ${countText(kept.entries)} objects`} />
        )}
      </dl>
      {pages !== undefined && pageSize !== undefined ? (
        <Pages pages={pages} pageSize={pageSize} />
      ) : (
        <p class="network-whole">The image was fetched whole.</p>
      )}
      <Requests id={document.id} count={Math.min(requests, REMEMBERED)} />
    </div>
  )
}
