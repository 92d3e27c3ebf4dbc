// How kinds of an image's parts look: a colour each (styles/map.css) and a letter, so that nothing is said by colour alone. Not here:
// which kinds there are (the worker says).

export interface KindLook {
  /** Class of the colour: `kind-NAME`, which is the property `--map-NAME` too. */
  readonly colour: string
  /** Stands in the squares of the picture where they have room. */
  readonly letter: string
  /** Drawn with lines across. */
  readonly hatched?: boolean
}

const LOOKS: Readonly<Record<string, KindLook>> = {
  padding: { colour: 'padding', letter: '·' },
  unclaimed: { colour: 'unclaimed', letter: '?', hatched: true },
  unread: { colour: 'unread', letter: '~', hatched: true },
  'composefs-header': { colour: 'header', letter: 'H' },
  superblock: { colour: 'superblock', letter: 'S' },
  'compression-configuration': { colour: 'superblock', letter: 'Z' },
  'xattr-prefix': { colour: 'superblock', letter: 'P' },
  'shared-xattr': { colour: 'shared', letter: 'X' },
  'inode-compact': { colour: 'inode', letter: 'i' },
  'inode-extended': { colour: 'extended', letter: 'I' },
  'inode-cfs': { colour: 'inode', letter: 'I' },
  'inode-xattrs': { colour: 'xattrs', letter: 'x' },
  'xattr-header': { colour: 'xattrs', letter: 'x' },
  'xattr-shared-ids': { colour: 'xattrs', letter: 'x' },
  'xattr-entry': { colour: 'xattrs', letter: 'x' },
  'cfs-xattrs': { colour: 'xattrs', letter: 'x' },
  'chunk-indexes': { colour: 'chunks', letter: 'c' },
  'compression-header': { colour: 'chunks', letter: 'z' },
  'compression-indexes': { colour: 'chunks', letter: 'e' },
  'compressed-data': { colour: 'compressed', letter: 'C' },
  'compressed-inline': { colour: 'compressed', letter: 'k' },
  'device-table': { colour: 'superblock', letter: 'V' },
  'inline-entries': { colour: 'entries', letter: 'd' },
  'directory-block': { colour: 'directory', letter: 'D' },
  'cfs-entries': { colour: 'directory', letter: 'D' },
  dirent: { colour: 'directory', letter: 'D' },
  'inline-target': { colour: 'target', letter: 'l' },
  'symlink-block': { colour: 'target', letter: 'L' },
  'cfs-target': { colour: 'target', letter: 'L' },
  'inline-data': { colour: 'inline', letter: 'f' },
  'file-data': { colour: 'data', letter: 'F' },
  'cfs-backing-path': { colour: 'path', letter: 'p' },
  'cfs-digest': { colour: 'digest', letter: '#' },
}

const OTHER: KindLook = { colour: 'unread', letter: '?' }

export function lookOf(kind: string): KindLook {
  return LOOKS[kind] ?? OTHER
}
