// The package on any host. Not here: what it does (any-host.ts, any-build.ts), what it has besides (exports.ts).

export { buildImage } from './any-build.js'
export {
  hashAlgorithm,
  loadDecoders,
  mount,
  mountSync,
  type OpenBridgeOptions,
  openBridge,
  openImage,
  openImageSync,
} from './any-host.js'
export * from './exports.js'
