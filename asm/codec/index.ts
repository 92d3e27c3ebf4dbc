// The decoders alone, as a core of their own for tests, measurements and fuzzing (.ci/build.mjs). What ships has them in the core that
// reads images.

export { decode } from './decode'

/** First byte that nothing here uses. */
export const heap: usize = __heap_base
