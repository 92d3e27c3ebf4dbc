// The package says nothing of its types: they are node:stream's.
declare module 'readable-stream' {
  export { Readable, Writable } from 'node:stream'
}
declare module 'buffer/' {
  export { Buffer } from 'node:buffer'
}
