// Faults that are put into the product's source, one for each target whose code is not in the core: a text that the source has exactly
// once, and what stands there instead. Each is one that this code could have had. What ships knows nothing of them. Not here: faults of
// the core (asm/canary.ts), what finds any (canary.test.ts).

import { readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { build, type Plugin } from 'esbuild'
import type { FuzzModule } from '../../src/fuzz/core-target.js'
import type { Target } from '../../src/fuzz/target.js'
import { ROOT } from '../helpers/paths.js'

export interface Canary {
  readonly target: string
  /** Below src. */
  readonly file: string
  readonly find: string
  readonly put: string
  /** The promise that it breaks. */
  readonly breaks: string
}

export const CANARIES: readonly Canary[] = [
  // Zero seconds are taken for no time.
  {
    target: 'rewrite',
    file: 'tree/image-source.ts',
    find: 'tree.mtimeNsec[node] = entries.mtimeNsec',
    put: 'tree.mtimeNsec[node] = entries.mtimeLow === 0 ? 0 : entries.mtimeNsec',
    breaks: 'same',
  },
  // The high word of a size is forgotten.
  {
    target: 'cfs-rewrite',
    file: 'writer/cfs-v1-image.ts',
    find: 'tree.sizeHigh[node], true)',
    put: '0, true)',
    breaks: 'same',
  },
  // A block is taken for the bound of what an image holds of a file.
  {
    target: 'dump',
    file: 'image/tree-entries.ts',
    find: 'const CONTENT_MAX = 5000',
    put: 'const CONTENT_MAX = 4096',
    breaks: 'opens',
  },
  // A target is replaced: no whiteout is left where the source was.
  {
    target: 'overlay',
    file: 'overlay/rename.ts',
    find: 'this.edits.vacate(from, this.from.name, hides)',
    put: 'this.edits.vacate(from, this.from.name, hides && this.target === undefined)',
    breaks: 'change',
  },
  // A pointer has a sign.
  {
    target: 'wasi',
    file: 'wasi/guest-memory.ts',
    find: 'const at = pointer >>> 0',
    put: 'const at = pointer',
    breaks: 'no throw',
  },
  // What is wrong is kept nevertheless, as if it were trusted from the second time on.
  {
    target: 'merkle',
    file: 'source/merkle-leaves.ts',
    find: 'if (needed.has(number)) throw wrong',
    put: 'if (needed.has(number)) {\nkept.keep(key, block)\nthrow wrong\n}',
    breaks: 'right bytes',
  },
  // The last block, which is shorter, is not compared.
  {
    target: 'store',
    file: 'store/verified-file.ts',
    find: 'at < data.length; at += VERITY_BLOCK, expected',
    put: 'at + VERITY_BLOCK <= data.length; at += VERITY_BLOCK, expected',
    breaks: 'right bytes',
  },
  // A file that has grown since is taken for the same.
  {
    target: 'http',
    file: 'source/http-range.ts',
    find: 'range.total !== undefined && range.total !== known.size',
    put: 'range.total !== undefined && range.total < known.size',
    breaks: 'right bytes',
  },
]

/** Faults of decoders: below asm/codec. Each lets what is copied come from in front of the output. */
export const CODEC_CANARIES: readonly Canary[] = [
  {
    target: 'codec-lz4',
    file: 'lz4.ts',
    find: 'if (offset - 1 >= <u32>(out - to)) return out',
    put: 'if (offset == 0) return out',
    breaks: 'prefix',
  },
  {
    target: 'codec-microlzma',
    file: 'microlzma.ts',
    find: 'if (rep0 >= min(position, dictSize)) return false',
    put: 'if (rep0 >= dictSize) return false',
    breaks: 'no trap',
  },
  {
    target: 'codec-deflate',
    file: 'deflate.ts',
    find: 'e & EXCEPTION || distance > out - start) return BAD',
    put: 'e & EXCEPTION) return BAD',
    breaks: 'prefix',
  },
  {
    target: 'codec-zstd',
    file: 'zstd-sequences.ts',
    find: '|| <usize>(offset - 1) >= out + lits - begin) return 0',
    put: '|| offset == 0) return 0',
    breaks: 'same',
  },
]

/** The text of a file of asm with the fault that it is to have. */
export function codecPlanted(text: string, path: string): string {
  const canary = CODEC_CANARIES.find(({ file }) => path.endsWith(`asm/codec/${file}`))
  if (canary === undefined) return text
  const parts = text.split(canary.find)
  if (parts.length !== 2) throw new Error(`${canary.file} has ${parts.length - 1} times: ${canary.find}`)
  return parts.join(canary.put)
}

/** What the kit's registry is, built with a fault. */
export type Targets = Readonly<Record<string, (module?: FuzzModule) => Target>>

function planted({ file, find, put }: Canary): Plugin {
  return {
    name: 'canary',
    setup(all) {
      all.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (relative(join(ROOT, 'src'), path).split(sep).join('/') !== file) return undefined
        const parts = (await readFile(path, 'utf8')).split(find)
        if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`)
        return { contents: parts.join(put), loader: 'ts' }
      })
    },
  }
}

/** The registry of targets, its code with that fault. */
export async function targetsWith(canary: Canary): Promise<Targets> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'src/fuzz/targets.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    logLevel: 'silent',
    plugins: [planted(canary)],
  })
  const code = Buffer.from(outputFiles[0].contents).toString('base64')
  const module: { TARGETS: Targets } = await import(`data:text/javascript;base64,${code}`)
  return module.TARGETS
}
