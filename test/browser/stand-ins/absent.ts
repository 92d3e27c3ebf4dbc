// What only Node has: a test that needs it fails, and is left out with a reason.

function absent(name: string) {
  return (): never => {
    throw new Error(`${name}: not in a browser`)
  }
}

export const execFileSync = absent('execFileSync')
export const spawnSync = absent('spawnSync')
export const createServer = absent('createServer')
