// The package on any host. Not here: what it does (any-host.ts), what it has besides (exports.ts).

export { buildImage, hashAlgorithm, mount, type OpenBridgeOptions, openBridge, openImage } from './any-host.js'
export * from './exports.js'
