// What is done to the whole tree: sorting, folding. Not here: the tree.

import { ArrowDownWideNarrow, ArrowUpNarrowWide, ChevronsDownUp, ChevronsUpDown } from 'lucide-preact'
import type { SortKey } from '../protocol.js'
import type { TreeHandle } from './use-tree.js'

const KEYS: readonly { readonly key: SortKey; readonly label: string }[] = [
  { key: 'name', label: 'Name' },
  { key: 'size', label: 'Size' },
  { key: 'mtime', label: 'Time' },
  { key: 'type', label: 'Type' },
]

export function TreeTools({ tree, chosen }: { readonly tree: TreeHandle; readonly chosen: string }) {
  const { key, descending } = tree.state?.sorting ?? { key: 'name', descending: false }
  const Direction = descending ? ArrowDownWideNarrow : ArrowUpNarrowWide
  return (
    <div class="tree-tools" role="toolbar" aria-label="Tree">
      <select
        aria-label="Sort by"
        value={key}
        onChange={event => tree.sort({ key: event.currentTarget.value as SortKey, descending })}
      >
        {KEYS.map(one => (
          <option key={one.key} value={one.key}>
            {one.label}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="plain"
        aria-label={descending ? 'Sorted downwards: sort upwards' : 'Sorted upwards: sort downwards'}
        title={descending ? 'Largest first' : 'Smallest first'}
        onClick={() => tree.sort({ key, descending: !descending })}
      >
        <Direction size={16} aria-hidden="true" />
      </button>
      <span class="tree-tools-gap" />
      <button
        type="button"
        class="plain"
        aria-label="Unfold all below the chosen folder"
        title="Unfold all below the chosen folder  ( * )"
        onClick={() => tree.unfoldAll(chosen)}
      >
        <ChevronsUpDown size={16} aria-hidden="true" />
      </button>
      <button type="button" class="plain" aria-label="Fold all" title="Fold all" onClick={() => tree.foldAll()}>
        <ChevronsDownUp size={16} aria-hidden="true" />
      </button>
    </div>
  )
}
