// The numbers of a treemap as a table: what is in the folder, the largest first. Not here: the picture (treemap-picture.tsx).

import { shownText } from '../../path-text.js'
import type { FileKind, Measure, TreemapNode } from '../../reports.js'
import { bytesText, countText } from '../words.js'

export const MEASURES: Readonly<Record<Measure, { readonly label: string; readonly about: string }>> = {
  bytes: {
    label: 'bytes of files',
    about: 'Sizes of files and symlinks as they say them; a file with several names counts at the first one.',
  },
  objects: {
    label: 'bytes of objects',
    about: 'What the store has to hold: each object counts once, at the first file that has it.',
  },
  entries: { label: 'number of entries', about: 'Every name counts, folders too.' },
}

export const KIND_WORDS: Readonly<Record<FileKind, string>> = {
  folder: 'folder',
  program: 'program',
  library: 'library or compiled code',
  source: 'source code',
  text: 'text or settings',
  media: 'picture, font or sound',
  archive: 'archive',
  link: 'symlink',
  special: 'device or socket',
  other: 'something else',
}

export function amountText(measure: Measure, value: number): string {
  return measure === 'entries' ? countText(value) : bytesText(value)
}

export function nodeName({ name, together }: TreemapNode): string {
  return together === undefined ? shownText(name) : `${countText(together)} smaller ones`
}

export function shareText(part: number, whole: number): string {
  if (whole === 0) return '–'
  const share = (100 * part) / whole
  return share > 0 && share < 0.1 ? '< 0.1 %' : `${share.toFixed(1)} %`
}

interface Props {
  readonly root: TreemapNode
  readonly measure: Measure
  readonly chosen: string
  onChoose(path: string): void
}

export function TreemapTable({ root, measure, chosen, onChoose }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
    <section class="treemap-table" tabIndex={0} aria-label="The same as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" class="number">
              {measure === 'entries' ? 'Entries' : 'Size'}
            </th>
            <th scope="col" class="number">
              Share
            </th>
          </tr>
        </thead>
        <tbody>
          {(root.children ?? []).map(node => (
            <tr key={node.path + String(node.together)} class={node.path === chosen ? 'chosen' : undefined}>
              <td>
                <span class={`swatch kind-${node.kind}`} title={KIND_WORDS[node.kind]} />
                {node.together === undefined ? (
                  <button type="button" class="plain" onClick={() => onChoose(node.path)}>
                    <bdi>
                      {nodeName(node)}
                      {node.type === 'dir' && '/'}
                    </bdi>
                  </button>
                ) : (
                  <i>{nodeName(node)}</i>
                )}
              </td>
              <td class="number">{amountText(measure, node[measure])}</td>
              <td class="number">{shareText(node[measure], root[measure])}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {(root.children ?? []).length === 0 && <p class="waiting-text">The folder is empty.</p>}
    </section>
  )
}
