// The entry `composefs-wasm/fuzz`: what a fuzzer of these formats needs, for any runner. Not here: the command (src/cli/fuzz.ts).

export { CORE_INVARIANTS, CoreTarget, type CoreTargetOptions, type FuzzModule, fuzzModule } from './fuzz/core-target.js'
export { Coverage } from './fuzz/coverage.js'
export { encodeExtent } from './fuzz/encode-extent.js'
export { sealSuperblock } from './fuzz/erofs-bytes.js'
export { type CorpusEntry, type Found, Fuzzer, type FuzzerOptions } from './fuzz/fuzzer.js'
export { type MinimizeOptions, minimize, minimizeCorpus } from './fuzz/minimize.js'
export { mutated } from './fuzz/mutate.js'
export { BYTE_MUTATORS } from './fuzz/mutate-bytes.js'
export { cfsV1Mutators } from './fuzz/mutate-cfs-v1.js'
export { composefsMutators } from './fuzz/mutate-composefs.js'
export { compressedMutators } from './fuzz/mutate-compressed.js'
export { dumpMutators } from './fuzz/mutate-dump.js'
export { type ErofsMutatorOptions, erofsMutators } from './fuzz/mutate-erofs.js'
export { mendTree, merkleMutators } from './fuzz/mutate-merkle.js'
export {
  BEHAVIOURS,
  type Behaviour,
  decodeLayout,
  encodeLayout,
  type LayoutEntry,
  storeMutators,
} from './fuzz/mutate-store.js'
export { joinParts, PartMutators, splitParts } from './fuzz/parts.js'
export { Random } from './fuzz/random.js'
export {
  type RandomComposefs,
  type RandomComposefsOptions,
  randomCfsV1,
  randomComposefs,
} from './fuzz/random-composefs.js'
export {
  type RandomCompressedErofs,
  type RandomCompressedOptions,
  randomCompressedErofs,
} from './fuzz/random-compressed.js'
export { type RandomDumpOptions, randomDump } from './fuzz/random-dump.js'
export { type RandomErofs, randomErofs } from './fuzz/random-erofs.js'
export { type RandomTreeOptions, randomTree, type TreeInode } from './fuzz/random-tree.js'
export { type Material, type Mutator, type Target, Violation } from './fuzz/target.js'
export { TARGETS } from './fuzz/targets.js'
