// The views that a pane can show, each in a file of its own that is loaded when it is first shown. Not here: what a view shows.

import type { ComponentType } from 'preact'
import type { ViewProps } from './view-props.js'

export interface View {
  readonly name: string
  readonly label: string
  /** For people who wonder. */
  readonly hint: string
  /** What it is about: the chosen entry, the image, or all open images. */
  readonly about: 'entry' | 'image' | 'images'
  load(): Promise<{ readonly default: ComponentType<ViewProps> }>
}

export const VIEWS: readonly View[] = [
  {
    name: 'contents',
    label: 'Contents',
    hint: 'What is in the chosen file or folder',
    about: 'entry',
    load: () => import('./views/contents.js'),
  },
  {
    name: 'inspector',
    label: 'Inspector',
    hint: 'Every fact of the chosen entry, and the bytes of the image that say so',
    about: 'entry',
    load: () => import('./views/inspector.js'),
  },
  {
    name: 'changes',
    label: 'Changes',
    hint: 'What is changed in the image, and what can be made of it',
    about: 'entry',
    load: () => import('./views/changes.js'),
  },
  {
    name: 'map',
    label: 'Map',
    hint: 'A picture of the image in which every block is coloured by what it holds',
    about: 'image',
    load: () => import('./views/map.js'),
  },
  {
    name: 'treemap',
    label: 'Treemap',
    hint: 'Where the bytes are: areas by size, folder in folder',
    about: 'image',
    load: () => import('./views/treemap.js'),
  },
  {
    name: 'verify',
    label: 'Verify',
    hint: 'Whether the image and its objects are what they claim to be, and what notices a changed byte',
    about: 'image',
    load: () => import('./views/verify.js'),
  },
  {
    name: 'network',
    label: 'Network',
    hint: 'Requests, bytes and cache hits of an image that is read over the network',
    about: 'image',
    load: () => import('./views/network.js'),
  },
  {
    name: 'terminal',
    label: 'Terminal',
    hint: 'A shell on the image',
    about: 'image',
    load: () => import('./views/terminal.js'),
  },
  {
    name: 'sharing',
    label: 'Sharing',
    hint: 'Which objects the open images share',
    about: 'images',
    load: () => import('./views/sharing.js'),
  },
  {
    name: 'diff',
    label: 'Diff',
    hint: 'What differs between two open images',
    about: 'images',
    load: () => import('./views/diff.js'),
  },
]
