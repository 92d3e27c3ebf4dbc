// Sets of mkfs.erofs options: a named one for each feature and for pairs that meet in the decoder, and any number by seed.
// Which of them a given mkfs.erofs takes is found by asking it (erofs-images.ts). Not here: running it.
import { type Random, seeded } from './cfs-v1-trees.js'

export interface ErofsOptions {
  readonly name: string
  readonly args: readonly string[]
  /** File data goes to a second device. */
  readonly blob?: boolean
  /** Lines of a file of compression hints: cluster size, which algorithm, pattern. */
  readonly hints?: readonly string[]
  /** The source is handed in as a tar stream. */
  readonly tar?: boolean
}

const HINTS = ['4096 0 sizes/.*', '65536 1 large/.*', '16384 2 copies/.*']

/** What each version since 1.5 has. */
const BASE: Readonly<Record<string, string>> = {
  plain: '',
  'plain-noinline': '-Enoinline_data',
  'plain-compact': '-Eforce-inode-compact --all-root',
  'plain-extended': '-Eforce-inode-extended',
  'plain-no-xattrs': '-x-1',
  'plain-xattr-shared': '-x0',
  'chunk-4k': '--chunksize=4096',
  'chunk-64k': '--chunksize=65536',
  'chunk-indexes': '--chunksize=16384 -Eforce-chunk-indexes',
  'chunk-map': '--chunksize=4096 -Eforce-inode-blockmap',
  lz4: '-zlz4',
  'lz4-extended': '-zlz4 -Eforce-inode-extended',
  'lz4-compact': '-zlz4 -Eforce-inode-compact --all-root',
  'lz4-legacy': '-zlz4 -Elegacy-compress',
  'lz4-tailpacking': '-zlz4 -Eztailpacking',
  'lz4-legacy-tailpacking': '-zlz4 -Elegacy-compress,ztailpacking',
  'lz4-64k': '-zlz4 -C65536',
  'lz4-1m': '-zlz4 -C1048576',
  'lz4hc-12': '-zlz4hc,12',
  'lz4hc-legacy-64k': '-zlz4hc,9 -C65536 -Elegacy-compress',
  'lz4hc-16k-tailpacking': '-zlz4hc,12 -C16384 -Eztailpacking',
  'lz4-short-extents': '-zlz4 --max-extent-bytes=5000',
}

/** What came later. */
const LATER: Readonly<Record<string, string>> = {
  'plain-512': '-b512',
  'plain-1k': '-b1024',
  'plain-2k': '-b2048',
  'plain-64k': '-b65536',
  'plain-dot-omitted': '-Edot-omitted',
  'plain-48bit': '-E48bit',
  'plain-xattr-prefix': '--xattr-prefix=user.long.prefix. --xattr-prefix=trusted.overlay. -x1',
  'plain-xattr-filter': '-Exattr-name-filter -x1',
  'plain-digest-xattrs': '--xattr-inode-digest=trusted.digest',
  'plain-metazone': '--MZ=id',
  'plain-root-isize': '--root-xattr-isize=256',
  'plain-no-links': '--hard-dereference',
  'plain-times': '-T1000000000 --all-time',
  'plain-offset-ids': '--uid-offset=70000 --gid-offset=5',
  'chunk-512': '-b512 --chunksize=512',
  'chunk-48bit': '--chunksize=4096 -E48bit',
  'lz4-512': '-zlz4 -b512',
  'lz4-1k-64k': '-zlz4hc -b1024 -C65536',
  'lz4-2k-tailpacking': '-zlz4 -b2048 -Eztailpacking',
  'lz4-64k-blocks': '-zlz4 -b65536',
  'lz4-fragments': '-zlz4 -Efragments',
  'lz4-all-fragments': '-zlz4 -Eall-fragments',
  'lz4-dedupe': '-zlz4 -Ededupe',
  'lz4-dedupe-legacy': '-zlz4 -Ededupe,legacy-compress',
  'lz4hc-dedupe-64k': '-zlz4hc -C65536 -Ededupe',
  'lz4-dedupe-fragments-tailpacking': '-zlz4 -C16384 -Ededupe,fragments,ztailpacking',
  'lz4-fragdedupe-inode': '-zlz4 -Efragments,fragdedupe=inode',
  'lz4-fragdedupe-full': '-zlz4 -C65536 -Efragments,fragdedupe=full,ztailpacking',
  'lz4-48bit': '-zlz4 -E48bit',
  'lz4-directories': '-zlz4 --zD',
  'lz4-metabox': '-zlz4 -m4096',
  'lz4-noinline-512': '-zlz4 -b512 -C4096 -Enoinline_data',
  'lz4-one-worker': '-zlz4 -C65536 --workers=1',
  lzma: '-zlzma',
  'lzma-0': '-zlzma,level=0 -C65536',
  'lzma-9': '-zlzma,level=9 -C1048576',
  'lzma-extreme': '-zlzma,level=109 -C16384 -Eztailpacking',
  'lzma-dict-8m': '-zlzma,level=6,dictsize=8388608 -C262144',
  'lzma-dict-4k': '-zlzma,level=6,dictsize=4096 -C65536',
  'lzma-lc-lp-pb': '-zlzma,level=6,lc=1,lp=2,pb=0 -C32768',
  'lzma-lc0-lp4-pb4': '-zlzma,level=6,lc=0,lp=4,pb=4 -C32768',
  'lzma-fragments-64k': '-zlzma -C65536 -Efragments=65536,dedupe',
  'lzma-all-fragments': '-zlzma -C1048576 -Eall-fragments',
  'lzma-512': '-zlzma -b512 -C8192 -Eztailpacking',
  'lzma-48bit': '-zlzma -E48bit -C65536',
  deflate: '-zdeflate',
  'deflate-9-64k': '-zdeflate,level=9 -C65536',
  'deflate-dict-512': '-zdeflate,level=9,dictsize=512 -C16384',
  'deflate-tailpacking': '-zdeflate -Eztailpacking,dedupe',
  'deflate-1m-fragments': '-zdeflate -C1048576 -Efragments',
  'deflate-512': '-zdeflate -b512',
  libdeflate: '-zlibdeflate',
  'libdeflate-6-8k': '-zlibdeflate,level=6 -C8192',
  'libdeflate-48bit': '-zlibdeflate -C16384 -E48bit,ztailpacking',
  zstd: '-zzstd',
  'zstd-12-1m': '-zzstd,level=12 -C1048576',
  'zstd-22-16k': '-zzstd,level=22 -C16384',
  'zstd-dict-4k': '-zzstd,level=9,dictsize=4096 -C65536',
  'zstd-dict-1m': '-zzstd,level=9,dictsize=1048576 -C262144',
  'zstd-tailpacking': '-zzstd -Eztailpacking',
  'zstd-512': '-zzstd -b512 -C8192',
  'zstd-48bit': '-zzstd -E48bit',
  'zstd-48bit-64k': '-zzstd -C65536 -E48bit',
  'zstd-48bit-1m-dedupe': '-zzstd -C1048576 -E48bit,dedupe',
  'zstd-48bit-fragments': '-zzstd -C65536 -E48bit,fragments,ztailpacking',
  'zstd-dedupe-fragments': '-zzstd -C262144 -Ededupe,all-fragments',
  'zstd-directories-dot-omitted': '-zzstd -C16384 --zD -Edot-omitted',
  'metabox-plain': '-m4096',
  'metabox-lz4': '-zlz4 -C65536 -m65536:lz4',
  'metabox-lzma': '-zlzma -C65536 -m65536',
  'metabox-zstd-of-lz4': '-zlz4:zstd -C16384 -m16384:zstd',
  'metabox-deflate-48bit': '-zdeflate -C32768 -m32768 -E48bit',
  'metabox-zone': '-zzstd -C65536 -m65536 --MZ=id',
  'metabox-zone-directories': '-zzstd -C65536 -m65536 --MZ=i --zD',
  'metabox-fragments': '-zlz4 -m4096 -Efragments,dedupe --xattr-prefix=user.long.prefix.',
  'metabox-prefixes-plain': '-zlz4 -m4096 -Eplain-xattr-prefixes --xattr-prefix=user.long.prefix.',
  'fragments-prefixes': '-zlz4 -Efragments --xattr-prefix=user.long.prefix. -x0',
  'metabox-shared-xattrs': '-zzstd -m4096 -x0',
}

const words = (text: string) => text.split(' ').filter(word => word !== '')

/** By name; the first few are those that every mkfs.erofs has. */
export const NAMED_OPTIONS: readonly ErofsOptions[] = [
  ...Object.entries({ ...BASE, ...LATER }).map(([name, args]) => ({ name, args: words(args) })),
  { name: 'blob-64k', args: ['--chunksize=65536'], blob: true },
  { name: 'blob-4k', args: ['--chunksize=4096'], blob: true },
  { name: 'blob-48bit', args: ['--chunksize=4096', '-E48bit'], blob: true },
  { name: 'hints-one', args: ['-zlz4', '-C4096'], hints: ['65536 large/.*', '0 copies/.*'] },
  { name: 'hints-three', args: ['-zlz4:lzma,level=3:deflate', '-C16384'], hints: HINTS },
  { name: 'hints-zstd', args: ['-zzstd:lz4hc:lzma', '-C65536', '-Eztailpacking,fragments'], hints: HINTS },
  { name: 'hints-legacy', args: ['-zlz4:deflate:zstd', '-Elegacy-compress'], hints: HINTS },
  { name: 'tar', args: ['--tar=f'], tar: true },
  { name: 'tar-lz4', args: ['--tar=f', '-zlz4', '-C65536'], tar: true },
  { name: 'tar-zstd-48bit', args: ['--tar=f', '-zzstd', '-C16384', '-E48bit,ztailpacking'], tar: true },
]

/** Names of sets that any mkfs.erofs since 1.5 makes, one for each way to lay data out. */
export const HANDFUL: readonly string[] = [
  'plain-compact',
  'chunk-indexes',
  'lz4',
  'lz4-legacy-tailpacking',
  'lz4-1m',
  'lz4hc-16k-tailpacking',
  'blob-64k',
  'hints-one',
]

function randomAlgorithm(next: Random): string {
  const level = (least: number, count: number) => `level=${least + next(count)}`
  switch (next(7)) {
    case 0:
      return 'lz4'
    case 1:
      return `lz4hc,${level(1, 12)}`
    case 2:
      return `lzma,${level(0, 10)}${next(2) ? `,dictsize=${4096 << next(11)}` : ''}`
    case 3:
      return `deflate,${level(1, 9)}${next(2) ? `,dictsize=${512 << next(7)}` : ''}`
    case 4:
      // It tries again and again to fill a cluster: higher levels take minutes.
      return `libdeflate,${level(1, 3)}`
    default:
      return `zstd,${level(1, 12)}${next(2) ? `,dictsize=${4096 << next(8)}` : ''}`
  }
}

function some<T>(next: Random, of: readonly T[], oneIn: number): T[] {
  return of.filter(() => next(oneIn) === 0)
}

function compressed(next: Random, block: number): { args: string[]; extended: string[]; hints?: string[] } {
  const algorithms = Array.from({ length: next(3) === 0 ? 3 : 1 }, () => randomAlgorithm(next))
  const cluster = Math.max(block, 4096 << next(9))
  const fragments = [[], ['fragments'], [`fragments=${cluster}`], ['all-fragments'], ['fragments', 'fragdedupe=full']]
  const extended = [...fragments[next(5)], ...some(next, ['dedupe', 'ztailpacking'], 2)]
  if (next(4) === 0) extended.push('legacy-compress')
  const args = [`-z${algorithms.join(':')}`, `-C${cluster}`, ...some(next, ['--zD'], 3)]
  if (next(6) === 0) args.push(`--max-extent-bytes=${1000 + next(100_000)}`)
  return { args, extended, ...(algorithms.length === 3 && block <= 4096 ? { hints: HINTS } : {}) }
}

/** A set by seed; a mkfs.erofs may refuse it. */
export function randomOptions(seed: number): ErofsOptions {
  const next = seeded(seed * 2 + 1)
  for (let i = 0; i < 8; i++) next(2)
  const block = next(3) === 0 ? 512 << next(4) : 4096
  const args = block === 4096 ? [] : [`-b${block}`]
  const features = ['48bit', 'dot-omitted', 'noinline_data', 'xattr-name-filter', 'plain-xattr-prefixes']
  const extended = some(next, features, 4)
  const version = next(6)
  if (version === 0) extended.push('force-inode-extended')
  // A compact inode has no room for large ids.
  if (version === 1) args.push('--all-root')
  if (version === 1) extended.push('force-inode-compact')
  args.push(...some(next, [`-x${next(4)}`, '--MZ=id', '--xattr-prefix=user.long.prefix.', '--hard-dereference'], 4))
  let hints: readonly string[] | undefined
  let blob = false
  if (next(6) > 0) {
    const made = compressed(next, block)
    args.push(...made.args)
    extended.push(...made.extended)
    hints = made.hints
  } else {
    args.push(`--chunksize=${block << next(6)}`)
    blob = next(2) === 0
    if (!blob) extended.push(...some(next, ['force-chunk-indexes'], 2))
  }
  if (next(4) === 0) args.push(`-m${Math.max(block, 4096 << next(5))}`)
  if (extended.length > 0) args.push(`-E${extended.join(',')}`)
  const name = `seed ${seed}: ${args.join(' ')}${blob ? ' --blobdev' : ''}${hints === undefined ? '' : ' --compress-hints'}`
  return { name, args, blob, hints }
}
