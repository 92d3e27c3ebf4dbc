// What stands in the place of node:zlib, which just-bash imports and no browser has. The commands that would call it are others
// here (shell-gzip.ts). Not here: anything that works.

export const constants = {} as const

function none(): never {
  throw new Error('there is no zlib here')
}

export const gzipSync = none
export const gunzipSync = none
