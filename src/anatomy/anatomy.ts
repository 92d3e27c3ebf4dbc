// The room's door: maps, fields and facts of images, for who shows what an image is made of. Not in the package's entries.

export {
  type CompressedExtent,
  type CompressedFacts,
  compressedFacts,
  isCompressed,
  ratioOf,
} from './compressed-facts.js'
export { dumpLines } from './dump.js'
export { type DataExtent, factsOf, type InodeFacts, type StoredXattrFacts } from './facts.js'
export { entriesOf, fieldsAt, fieldsOf, frameFields, type InodeStructures, type StructureAt } from './fields.js'
export type { KindTotal, MapFault, MapRange, PieceKind } from './image-map.js'
export { ImageMap, KIND_LABELS } from './image-map.js'
export { mapOf, mapSteps } from './map-of.js'
export { LAYOUT_NAMES } from './meanings.js'
export { bytesAt, type Field, type Structure } from './structures.js'
