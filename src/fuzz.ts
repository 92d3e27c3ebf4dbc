// The entry `composefs-wasm/fuzz`: what a fuzzer of these formats needs, for any runner. Not here: the command (src/cli/fuzz.ts).

export { CORE_INVARIANTS, CoreTarget, type CoreTargetOptions, type FuzzModule, fuzzModule } from './fuzz/core-target.js'
export { Coverage } from './fuzz/coverage.js'
export { type CorpusEntry, type Found, Fuzzer, type FuzzerOptions } from './fuzz/fuzzer.js'
export { BYTE_MUTATORS } from './fuzz/mutate-bytes.js'
export { type ErofsMutatorOptions, erofsMutators } from './fuzz/mutate-erofs.js'
export { Random } from './fuzz/random.js'
export { type RandomErofs, randomErofs, sealSuperblock } from './fuzz/random-erofs.js'
export { type RandomTreeOptions, randomTree, type TreeInode } from './fuzz/random-tree.js'
export { type Material, type Mutator, type Target, Violation } from './fuzz/target.js'
export { TARGETS } from './fuzz/targets.js'
