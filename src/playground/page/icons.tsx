// Icons of entries and badges, from lucide. Not here: icons of buttons, which stand where the buttons are.

import {
  BadgeCheck,
  Ban,
  CircleHelp,
  File,
  FileSymlink,
  Folder,
  FolderOpen,
  HardDrive,
  KeyRound,
  Layers,
  Link2,
  type LucideIcon,
  Pencil,
  Plug,
  Plus,
  Shield,
  Terminal,
  TriangleAlert,
  Waypoints,
} from 'lucide-preact'
import type { Badge, Entry } from '../protocol.js'
import { BADGE_WORDS, TYPE_WORDS } from './words.js'

const TYPES: Readonly<Record<Entry['type'], LucideIcon>> = {
  file: File,
  dir: Folder,
  symlink: FileSymlink,
  chr: Terminal,
  blk: HardDrive,
  fifo: Waypoints,
  sock: Plug,
  unknown: CircleHelp,
}

const BADGES: Readonly<Record<Badge, LucideIcon>> = {
  'hard-link': Link2,
  whiteout: Ban,
  opaque: Layers,
  setuid: KeyRound,
  setgid: KeyRound,
  sticky: KeyRound,
  capability: Shield,
  acl: BadgeCheck,
  added: Plus,
  modified: Pencil,
  broken: TriangleAlert,
}

export function EntryIcon({ entry, open = false }: { readonly entry: Pick<Entry, 'type'>; readonly open?: boolean }) {
  const Icon = open && entry.type === 'dir' ? FolderOpen : TYPES[entry.type]
  return <Icon class={`icon entry-icon entry-${entry.type}`} size={16} aria-hidden="true" />
}

export function BadgeIcons({ badges }: { readonly badges: readonly Badge[] }) {
  return (
    <>
      {badges.map(badge => {
        const Icon = BADGES[badge]
        return (
          <span key={badge} class={`badge badge-${badge}`} title={BADGE_WORDS[badge]}>
            <Icon size={13} aria-hidden="true" />
            <span class="hidden">{BADGE_WORDS[badge]}</span>
          </span>
        )
      })}
    </>
  )
}

export function typeWords(entry: Pick<Entry, 'type'>): string {
  return TYPE_WORDS[entry.type]
}
