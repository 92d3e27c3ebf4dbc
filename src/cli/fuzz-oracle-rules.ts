// Which disagreements are known and wanted: where this project is stricter than others on purpose, or they have a defect or a limit
// that is known and not copied. Each rule names what it was read from. Not here: how answers are compared.

export interface Rule {
  readonly oracle: RegExp
  /** Of a verdict's key: `kind: field: ours / theirs`, numbers as N. */
  readonly key: RegExp
  readonly why: string
}

const LIES = /^we refuse: \w+: !EUCLEAN/
const UNREAD = /^we refuse: \w+: !ENOTSUP/

export const RULES: readonly Rule[] = [
  {
    oracle: /^kernel$/,
    key: /^we refuse: names: !EUCLEAN bad directory entry at byte N \/ ok$/,
    why: 'a NUL in a name, a duplicate, no order, a further dot, a type that does not exist: the kernel lists them in silence',
  },
  {
    oracle: /^kernel$/,
    key: /^we refuse: stat: !EUCLEAN bad directory entry at byte N \/ ok$/,
    why: 'a type in an entry that contradicts the inode: the kernel takes the inode at its word in silence',
  },
  {
    oracle: /^kernel$/,
    key: /^we refuse: target: !EUCLEAN bad symlink at byte N \/ ok$/,
    why: 'a symlink of size 0 or with a NUL inside: the kernel answers what is before it',
  },
  { oracle: /^kernel$/, key: UNREAD, why: 'compressed data, which is not read here' },
  {
    oracle: /^kernel$/,
    key: /^other errno: (?:names|content|target): !(?:EUCLEAN|ENOTSUP|EIO) .* \/ !(?:EIO|EUCLEAN|EINVAL|EACCES|ENOTSUP)$/,
    why: 'data that can not be had: refused by both, here as what is wrong with the image',
  },
  {
    oracle: /^kernel$/,
    key: /^other errno: stat: !(?:EUCLEAN bad directory entry at byte N|ELOOP) \/ !(?:ELOOP|EUCLEAN|ENOTSUP|ENOENT)$/,
    why: 'an entry with two lies, of which each tells of another first',
  },
  {
    oracle: /^kernel$/,
    key: /^they refuse: (?:names|content), xattrs broken: ok \/ !(?:EUCLEAN|EINVAL|ENOTSUP)$/,
    why: 'an ACL that can not be read: the kernel asks it who may open the file, here nobody is asked',
  },
  {
    oracle: /^kernel$/,
    key: /^(?:different: xattrs, xattrs broken$|we refuse: xattrs, xattrs broken: !EUCLEAN bad xattr at byte N \/ ok$)/,
    why: 'an ACL that is none, which the kernel parses; counts, prefixes and shared ids of xattrs beyond what there is',
  },
  {
    oracle: /^kernel$/,
    key: /^we refuse: stat: !EUCLEAN bad inode at byte N \/ ok$/,
    why: 'a nid whose offset in bytes is beyond 2^64: in the kernel it wraps, and leads to another inode',
  },
  {
    oracle: /^kernel$/,
    key: /^we refuse: target: !EIO bad symlink at byte N \/ ok$/,
    why: 'a symlink larger than a path can be: the kernel looks at the first page of what it says',
  },
  {
    oracle: /^kernel$/,
    key: /^we refuse: names: !EUCLEAN bad directory at byte N \/ ok$/,
    why: 'a . or .. that leads out of the image: the kernel shows them and does not follow',
  },
  {
    oracle: /^kernel$/,
    key: /^they refuse: open: ok \/ !MOUNT .*Structure needs cleaning/,
    why: 'a table of long xattr prefixes that is broken: read here when an xattr needs it',
  },
  {
    oracle: /^(?:fsck|dump)\.erofs$/,
    key: /^we refuse: image: !(?:EINVAL|EBADMSG) bad superblock/,
    why: 'erofs-utils 1.5 does not look at the root before it goes there, and dump.erofs at no checksum',
  },
  {
    oracle: /^fsck\.erofs$/,
    key: /^they refuse: image: ok \/ !<E> erofs: (?:corrupted `\.\.?' dirent|`\.' or `\.\.' dirent is missing)/,
    why: "entries . and .. are the tool's own to look at: nothing here goes by them",
  },
  {
    oracle: /^composefs-info$/,
    key: /^we refuse: dump: !EINVAL bad superblock/,
    why: 'libcomposefs does not look at what the kernel refuses to mount',
  },
  {
    oracle: /^fsck\.erofs$/,
    key: /^they refuse: image: ok \/ !<E> erofs(?:_io)?: (?:Failed to read data|internal error|buf is NULL)/,
    why: 'the tool reads data of devices too, and whole blocks where a truncated image has all that is said to be in them',
  },
  {
    oracle: /^kernel$/,
    key: /^we refuse: (?:content|names|target): !(?:EIO|EUCLEAN) bad (?:chunk table|data) at byte N \/ ok$/,
    why: 'xattrs of 64 KiB and more: the kernel counts their bytes in 16 bits, and looks for what is behind them elsewhere',
  },
  {
    oracle: /^kernel$/,
    key: /^they refuse: stat: ok \/ !ENOTSUP$/,
    why: 'the chunk format of an inode that has no data: the kernel looks at it all the same',
  },
  {
    oracle: /^kernel$/,
    key: /^they refuse: stat: ok \/ !ENOENT$/,
    why: 'the last name of a directory ends with the directory; the kernel lists it so, and looks it up as if it went on to a NUL or the end of the block',
  },
  { oracle: /^(?:fsck|dump)\.erofs$/, key: LIES, why: 'erofs-utils 1.5 does not look at all that the kernel refuses' },
  { oracle: /^(?:fsck|dump)\.erofs$/, key: UNREAD, why: 'compressed data, which is not read here' },
  {
    oracle: /^dump\.erofs$/,
    key: /^we refuse: image: !EIO bad (?:data|symlink)/,
    why: 'dump.erofs counts files without reading them',
  },
  { oracle: /^composefs-info$/, key: LIES, why: 'libcomposefs does not look at what no dump shows' },
  {
    oracle: /^composefs-info$/,
    key: UNREAD,
    why: 'libcomposefs takes layouts that composefs has not for the plain one',
  },
  {
    oracle: /^plain$/,
    key: /^we refuse: /,
    why: 'the plain decoder looks at nothing that it does not need, and takes what it finds there',
  },
  {
    oracle: /^plain$/,
    key: /^they refuse: (?:content|target|names): ok \/ !EIO (?:directory of )?layout N$/,
    why: 'compressed data, which the plain decoder does not read',
  },
  {
    oracle: /^plain$/,
    key: /^(?:different|they refuse): xattrs, xattrs broken/,
    why: 'an ACL that is none, which is parsed here and not there; xattrs beyond what there is',
  },
  {
    oracle: /^fsck\.erofs$/,
    key: /^we refuse: image: !EIO bad data at byte N \/ ok$/,
    why: 'the high half of the address of a block: erofs-utils 1.5 knows 32 bits of it',
  },
  {
    oracle: /^composefs-info$/,
    key: /^we refuse: dump: !EINVAL no composefs header \/ ok$/,
    why: 'a version of composefs that does not exist: libcomposefs does not look at it',
  },
  {
    oracle: /^composefs-info$/,
    key: /^we refuse: dump: !EFBIG a size that no image is written with \/ ok$/,
    why: 'a size of 2^53 and more, which libcomposefs prints and no writer takes',
  },
  {
    oracle: /^composefs-info$/,
    key: /^different: xattr with a NUL in its name$/,
    why: 'libcomposefs ends a name at the first NUL',
  },
  {
    oracle: /^composefs-info$/,
    key: /^different: mtime$/,
    why: 'the seconds of a compact inode, which EROFS has reserved until Linux 6.15: libcomposefs shows the epoch alone',
  },
  {
    oracle: /^composefs-info$/,
    key: /^different: payload, and what stands behind it$/,
    why: 'libcomposefs reads a redirect of odd length beyond its end',
  },
]

/** Why a disagreement is none that has to be looked into. */
export function wantedBy(oracle: string, key: string): string | undefined {
  return RULES.find(rule => rule.oracle.test(oracle) && rule.key.test(key))?.why
}
